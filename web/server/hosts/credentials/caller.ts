import type { IncomingHttpHeaders } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import type { HostId } from '@helix/contract/ids'
import type { Context } from '../../context.ts'
import { sameSecret } from '../../identity/same-secret.ts'
import { HostCredentialStore } from './store.ts'

/** `host`: with a credential of its own. `shared`: with the runner token of all, as hosts of the version before. */
export type HostCaller = { kind: 'host'; hostId: HostId; hash: string } | { kind: 'shared' }

/** Null: a stranger. */
export async function hostCaller(
  { db, config }: Pick<Context, 'db' | 'config'>,
  headers: Pick<IncomingHttpHeaders, 'authorization' | 'cookie'>,
): Promise<HostCaller | null> {
  const token = headers.authorization?.replace(/^Bearer /, '') ?? ''
  // A cookie on these paths is a mistake or an attack.
  if (headers.cookie !== undefined || token === '') return null
  if (sameSecret(token, config.HELIX_RUNNER_TOKEN)) return { kind: 'shared' }
  if (!token.startsWith('hxh_')) return null
  const found = await new HostCredentialStore(db).hostOf(token)
  return found === null ? null : { kind: 'host', ...found }
}

/** Whether the caller speaks for this host. */
export async function speaksFor({ db }: Pick<Context, 'db'>, caller: HostCaller, hostId: string): Promise<boolean> {
  return caller.kind === 'host' ? caller.hostId === hostId : new HostCredentialStore(db).shares(hostId)
}

/** Throws for a stranger. Another host than the caller's is not there. */
export async function requireHost(
  context: Pick<Context, 'db' | 'config'>,
  { headers, params }: { headers: IncomingHttpHeaders; params: Record<string, unknown> },
): Promise<void> {
  const caller = await hostCaller(context, headers)
  if (caller === null) throw new HelixError('not_signed_in', 'This path takes a host’s own credential only.')
  if (await speaksFor(context, caller, String(params.hostId))) return
  if (caller.kind === 'host') throw new HelixError('not_found')
  throw new HelixError('not_signed_in', 'This host has a credential of its own: the runner token does not speak for it.')
}
