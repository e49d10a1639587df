import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { idSchema, type OrgId, type UserId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import { z } from 'zod'
import type { Context } from '../context.ts'
import { cookieOf } from '../identity/principal.ts'
import { keyFor } from '../machine/token.ts'
import type { PreviewHost } from './host-name.ts'
import { shareStore } from './shares/store.ts'

/** Units: milliseconds. */
const lastsMs = 12 * 3_600_000
/** How old an answer about somebody's rights may be. */
const believedMs = 10_000

const pass = z.object({
  sessionId: idSchema('session'),
  port: z.number(),
  orgId: idSchema('org'),
  userId: idSchema('user'),
  until: z.number(),
})

/** The cookie of one preview's host. `__Host-` binds it to https and that very host. */
export const passName = (secure: boolean): string => (secure ? '__Host-helix-preview' : 'helix-preview')

/** Who may see which preview. */
export class Admission {
  private readonly context: Context
  private readonly known = new Map<string, { at: number; may: boolean }>()

  constructor(context: Context) {
    this.context = context
  }

  /** The value of the cookie that lets a person into one preview. */
  passFor({ sessionId, port }: PreviewHost, orgId: OrgId, userId: UserId): string {
    const body = Buffer.from(JSON.stringify({ sessionId, port, orgId, userId, until: Date.now() + lastsMs })).toString('base64url')
    return `${body}.${this.sign(body)}`
  }

  /** By a pass of somebody who still has the right, or because the port is shown to everybody. */
  async admits(host: PreviewHost, headers: IncomingHttpHeaders): Promise<boolean> {
    const who = this.read(cookieOf(headers, passName(this.context.config.secure)), host)
    if (who !== null && (await this.asked(`${host.sessionId}/${who.userId}`, () => this.mayUse(host, who)))) return true
    const { sessionId, port } = host
    return this.asked(`${sessionId}/${port}`, () => shareStore.isShared(this.context.db, sessionId, port))
  }

  /** Every asset of a page asks: an answer serves for some seconds. */
  private async asked(key: string, ask: () => Promise<boolean>): Promise<boolean> {
    const now = Date.now()
    const known = this.known.get(key)
    if (known !== undefined && now - known.at < believedMs) return known.may
    const may = await ask()
    if (this.known.size > 10_000) this.known.clear()
    this.known.set(key, { at: now, may })
    return may
  }

  private async mayUse({ sessionId }: PreviewHost, { orgId, userId }: { orgId: OrgId; userId: UserId }): Promise<boolean> {
    const role = await shareStore.roleOf(this.context.db, orgId, userId, sessionId)
    return role !== null && roleGrants(role, 'task:write')
  }

  private read(value: string | null, { sessionId, port }: PreviewHost): z.infer<typeof pass> | null {
    const [body = '', mac = ''] = value?.split('.') ?? []
    const expected = Buffer.from(this.sign(body))
    const given = Buffer.from(mac)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
    const parsed = pass.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')))
    if (!parsed.success || parsed.data.until < Date.now()) return null
    return parsed.data.sessionId === sessionId && parsed.data.port === port ? parsed.data : null
  }

  private sign(body: string): string {
    return createHmac('sha256', keyFor(this.context.sealing, 'preview')).update(body).digest('base64url')
  }
}
