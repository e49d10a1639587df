import type { IncomingHttpHeaders } from 'node:http'
import type { OrgId } from '@helix/contract/ids'
import type { Context } from '../context.ts'
import { hashSecret } from './hashing.ts'
import { sessionTokenOf } from './principal.ts'

/** The browser session of these headers works in this organisation from now on. The caller has checked that its person belongs to it. */
export async function workIn({ db, config }: Pick<Context, 'db' | 'config'>, headers: IncomingHttpHeaders, orgId: OrgId): Promise<void> {
  const token = sessionTokenOf(headers, config.secure)
  if (token === null) return
  await db('browser_sessions')
    .where({ token: hashSecret(token) })
    .update({ org_id: orgId })
}
