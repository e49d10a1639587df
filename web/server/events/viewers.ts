import type { IncomingHttpHeaders } from 'node:http'
import type { HelixEvent } from '@helix/contract/events'
import type { OrgId, UserId } from '@helix/contract/ids'
import type { OrgPermission, Role } from '@helix/contract/permissions'
import type { AccessMap, Place } from '../access/map.ts'
import type { Principal } from '../http/mount.ts'
import type { Connection } from './connection.ts'

/** One credential, and the streams that it opened. */
export interface Viewer {
  readonly key: string
  readonly headers: IncomingHttpHeaders
  readonly orgId: OrgId
  readonly userId: UserId
  role: Role
  scopes: readonly string[] | null
  readonly connections: Set<Connection>
  /** Units: milliseconds since the epoch. */
  checkedAt: number
}

const permissions: Record<string, OrgPermission> = {
  task: 'task:read',
  spec: 'task:read',
  session: 'task:read',
  repository: 'repository:read',
  host: 'host:read',
}

/** The permission that reading what this event tells of asks for. */
function permissionOf(event: HelixEvent): OrgPermission {
  return permissions[event.type.split('.')[0] ?? ''] ?? 'project:read'
}

/** Every role reads; a key may be limited to less. */
export function showsTo(access: AccessMap, who: Pick<Viewer, 'userId' | 'role' | 'scopes'>, event: HelixEvent): boolean {
  if (who.scopes !== null && !who.scopes.includes(permissionOf(event))) return false
  return access.shows(who.userId, who.role, event as Place)
}

/** Units: milliseconds. */
const checkEveryMs = 2000
/** Checks at once, each second: a thousand people do not become a thousand questions. */
const checksPerTurn = 50

/** Who listens, by credential. Each is asked again every few seconds, and at once when access changed: a revoked one loses its streams. */
export class Viewers {
  private readonly byKey = new Map<string, Viewer>()
  private readonly resolve: (headers: IncomingHttpHeaders) => Promise<Principal | null>
  private checking = false

  constructor(resolve: (headers: IncomingHttpHeaders) => Promise<Principal | null>) {
    this.resolve = resolve
  }

  /** The request is not kept, only what it proved itself with. */
  of({ authorization, cookie }: IncomingHttpHeaders, principal: Principal): Viewer {
    const key = `${principal.orgId} ${authorization ?? ''} ${authorization === undefined ? (cookie ?? '') : ''}`
    const found = this.byKey.get(key)
    if (found !== undefined) return found
    const headers = authorization === undefined ? { cookie } : { authorization }
    const { orgId, userId, orgRole: role, scopes } = principal
    const viewer: Viewer = { key, headers, orgId, userId, role, scopes, connections: new Set(), checkedAt: Date.now() }
    this.byKey.set(key, viewer)
    return viewer
  }

  remove(connection: Connection): void {
    const { viewer } = connection
    viewer.connections.delete(connection)
    if (viewer.connections.size === 0 && this.byKey.get(viewer.key) === viewer) this.byKey.delete(viewer.key)
  }

  /** Their turn is next. */
  doubt(orgId: OrgId): void {
    for (const viewer of this.byKey.values()) if (viewer.orgId === orgId) viewer.checkedAt = 0
    void this.check()
  }

  async check(): Promise<void> {
    if (this.checking) return
    this.checking = true
    try {
      const due = [...this.byKey.values()].filter(({ checkedAt }) => checkedAt < Date.now() - checkEveryMs)
      due.sort((a, b) => a.checkedAt - b.checkedAt)
      for (const viewer of due.slice(0, checksPerTurn)) await this.checkOne(viewer)
    } finally {
      this.checking = false
    }
  }

  private async checkOne(viewer: Viewer): Promise<void> {
    const at = Date.now()
    viewer.checkedAt = at
    let principal: Principal | null
    try {
      principal = await this.resolve(viewer.headers)
    } catch {
      // A database that does not answer revokes nobody; the next turn asks again.
      return
    }
    if (principal !== null && principal.orgId === viewer.orgId && principal.userId === viewer.userId) {
      // Doubted meanwhile: this answer may be of before.
      if (viewer.checkedAt !== at) return
      viewer.role = principal.orgRole
      viewer.scopes = principal.scopes
      return
    }
    for (const connection of viewer.connections) connection.end()
  }
}
