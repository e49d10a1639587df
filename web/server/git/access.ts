import type { IncomingHttpHeaders } from 'node:http'
import { checkpointRefs } from '@helix/contract/checkpoints'
import { roleGrants } from '@helix/contract/permissions'
import type { Knex } from 'knex'
import { roleOnRepository } from '../access/store.ts'
import { type Bearer, resolveBearer } from '../identity/tokens.ts'
import type { Pusher } from './intents.ts'
import { type GitRepository, gitStore } from './store.ts'

export type Service = 'git-upload-pack' | 'git-receive-pack'

/** What the bearer of a token may do in one repository. */
export interface Access {
  repository: GitRepository
  pusher: Pusher
  mayPush: boolean
  /** The one branch a session pushes its work to, as a full ref; null for people. */
  taskRef: string | null
  /** Patterns of branches that a session keeps away from, for `case` of a shell. */
  protectedBranches: readonly string[]
  /** Hidden refs that it sees: a session its own checkpoints, and what it was forked from. */
  revealed: readonly string[]
}

/** The token of Basic (as password, or as user name without password) or Bearer. git clients send Basic. */
export function tokenOf(headers: IncomingHttpHeaders): string | null {
  const [scheme = '', value = ''] = (headers.authorization ?? '').split(' ')
  if (/^bearer$/i.test(scheme)) return value || null
  if (!/^basic$/i.test(scheme)) return null
  const text = Buffer.from(value, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const [user, password] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)]
  return password || user || null
}

/** `unknown`: nobody has this token. Null: there is no such repository for its bearer. */
export async function findAccess(db: Knex, token: string, orgSlug: string, name: string): Promise<Access | 'unknown' | null> {
  const bearer = await resolveBearer(db, token)
  if (bearer === null) return 'unknown'
  const repository = await gitStore.findByName(db, bearer.orgId, orgSlug, name)
  return repository === null ? null : accessOf(db, bearer, repository)
}

async function accessOf(db: Knex, bearer: Bearer, repository: GitRepository): Promise<Access | null> {
  if (bearer.kind === 'api_key') {
    const who = { orgId: bearer.orgId, userId: bearer.userId, orgRole: bearer.role }
    const role = await roleOnRepository(db, who, repository.repositoryId)
    if (role === null || !roleGrants(role, 'repository:read')) return null
    const has = (scope: string): boolean => bearer.scopes === null || bearer.scopes.includes(scope)
    if (!has('repository:read')) return null
    const mayPush = roleGrants(role, 'repository:write') && has('repository:write')
    return { repository, pusher: { kind: 'person', id: bearer.userId }, mayPush, taskRef: null, protectedBranches: [], revealed: [] }
  }
  const session = await gitStore.findSessionBranch(db, bearer.orgId, bearer.sessionId, repository.repositoryId)
  if (session === null) return null
  const taskRef = session.branch === null ? null : `refs/heads/${session.branch}`
  return {
    repository,
    pusher: { kind: 'session', id: bearer.sessionId },
    mayPush: true,
    taskRef,
    protectedBranches: session.protectedBranches,
    revealed: [`${checkpointRefs}/${bearer.sessionId}`, ...session.forkedFrom],
  }
}
