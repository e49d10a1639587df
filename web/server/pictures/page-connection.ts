import type { IncomingHttpHeaders } from 'node:http'
import { type PictureState, type PicturesDown, picturesUp } from '@helix/contract/desktop-pictures'
import type { OrgId, ProjectId, SessionId, UserId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import type { WebSocket } from 'ws'
import { visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import type { Principal } from '../http/mount.ts'
import { resolvePrincipal } from '../identity/principal.ts'
import { numbered } from './sink.ts'

/** Units: milliseconds. Who lost the right to see a session gets no picture of it after this. */
const accessMs = 3000
/** Units: bytes handed over and not taken: pictures wait, and only the newest of each is sent later. */
const mostWaiting = 256 * 1024
const catchUpMs = 1000
/** Messages in a second. A page says one when it is scrolled. */
const mostMessages = 20
const pingMs = 10_000

interface Shown {
  sessionId: SessionId
  /** Null: it is not to be seen. */
  end: (() => void) | null
}

/** One page with tiles. */
export class PageConnection {
  private readonly context: Context
  private readonly socket: WebSocket
  private readonly who: { headers: IncomingHttpHeaders; userId: UserId; orgId: OrgId }
  private readonly tiles = new Map<number, Shown>()
  private readonly projects = new Map<SessionId, ProjectId>()
  private readonly behind = new Set<number>()
  private readonly timers: NodeJS.Timeout[]
  private work = Promise.resolve()
  private messages = 0
  private alive = true

  constructor(context: Context, socket: WebSocket, who: { headers: IncomingHttpHeaders; userId: UserId; orgId: OrgId }) {
    const { authorization, cookie } = who.headers
    this.context = context
    this.socket = socket
    // The request is not kept, only what it proved itself with.
    this.who = { ...who, headers: authorization === undefined ? { cookie } : { authorization } }
    this.timers = [
      setInterval(() => this.next(() => this.look()), accessMs),
      setInterval(() => this.tick(), catchUpMs),
      setInterval(() => this.ping(), pingMs),
    ]
    socket.on('error', () => socket.terminate())
    socket.on('close', () => this.end())
    socket.on('pong', () => {
      this.alive = true
    })
    socket.on('message', (data, isBinary) => this.received(isBinary ? null : String(data)))
    context.streams.signal.addEventListener('abort', this.stop, { once: true })
  }

  private readonly stop = (): void => this.socket.close(1001)

  private end(): void {
    for (const timer of this.timers) clearInterval(timer)
    for (const { end } of this.tiles.values()) end?.()
    this.tiles.clear()
    this.context.streams.signal.removeEventListener('abort', this.stop)
  }

  private received(text: string | null): void {
    const frame = text === null ? null : picturesUp.safeParse(jsonOf(text)).data
    this.messages += 1
    if (frame == null) this.socket.close(1008, 'not a message of this protocol')
    else if (this.messages > mostMessages) this.socket.close(1008, 'too many messages')
    else this.next(() => this.watch(frame.items))
  }

  /** One thing after the other. A database that does not answer shows nobody anything. */
  private next(step: () => Promise<void>): void {
    this.work = this.work.then(step).catch((error) => {
      this.context.log.warn({ err: error }, 'pictures for a page failed')
      this.socket.close(1011, 'try again')
    })
  }

  private async watch(items: readonly { n: number; sessionId: SessionId }[]): Promise<void> {
    const wanted = new Map(items.map(({ n, sessionId }) => [n, sessionId]))
    for (const [n, { sessionId, end }] of this.tiles) {
      if (wanted.get(n) === sessionId) continue
      end?.()
      this.tiles.delete(n)
      this.behind.delete(n)
    }
    for (const [n, sessionId] of wanted) if (!this.tiles.has(n)) this.tiles.set(n, { sessionId, end: null })
    const ids = new Set(wanted.values())
    for (const id of this.projects.keys()) if (!ids.has(id)) this.projects.delete(id)
    const unknown = [...ids].filter((id) => !this.projects.has(id))
    if (unknown.length > 0)
      for (const [id, project] of await this.context.pictures.store.projectsOf(this.who.orgId, unknown)) this.projects.set(id, project)
    await this.look(true)
  }

  /** Shows what may be seen now, and ends what may not be any more. `told`: a tile that is not to be seen is told so. */
  private async look(told = false): Promise<void> {
    if (this.socket.readyState !== this.socket.OPEN || this.tiles.size === 0) return
    const principal = await resolvePrincipal(this.context, this.who.headers)
    if (principal === null || !this.mayRead(principal)) return this.socket.close(4401, 'sign in again')
    const visible = await visibleProjects(this.context.db, principal)
    if (this.socket.readyState !== this.socket.OPEN) return
    for (const [n, tile] of this.tiles) {
      const project = this.projects.get(tile.sessionId)
      const shown = project !== undefined && (visible === null || visible.has(project))
      if (shown) tile.end ??= this.begin(n, tile.sessionId)
      else if (tile.end !== null || told) {
        tile.end?.()
        tile.end = null
        this.say(n, 'none')
      }
    }
  }

  private mayRead({ userId, orgId, orgRole, scopes }: Principal): boolean {
    if (userId !== this.who.userId || orgId !== this.who.orgId) return false
    return roleGrants(orgRole, 'task:read') && (scopes === null || scopes.includes('task:read'))
  }

  private begin(n: number, sessionId: SessionId): () => void {
    return this.context.pictures.watch(sessionId, { picture: (bytes) => this.picture(n, bytes), state: (state) => this.say(n, state) })
  }

  private picture(n: number, bytes: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return
    if (this.socket.bufferedAmount > mostWaiting) return void this.behind.add(n)
    this.behind.delete(n)
    this.socket.send(numbered(bytes, n))
  }

  private say(n: number, state: PictureState): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify({ type: 'state', n, state } satisfies PicturesDown))
  }

  private ping(): void {
    if (this.alive) this.socket.ping()
    else this.socket.terminate()
    this.alive = false
  }

  private tick(): void {
    this.messages = 0
    for (const n of this.behind) {
      const tile = this.tiles.get(n)
      const newest = tile?.end == null ? null : this.context.pictures.newest(tile.sessionId)
      if (newest === null) this.behind.delete(n)
      else this.picture(n, newest)
    }
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
