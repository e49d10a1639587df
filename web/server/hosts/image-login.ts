import type { SessionSpec } from '@helix/contract/hosts'
import type { SandboxRules } from '@helix/contract/projects'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { SecretStore } from '../secrets/store.ts'
import type { SessionRow } from '../sessions/store.ts'

export type ImageRow = Pick<SandboxRules, 'image'> & { image_login: SandboxRules['imageLogin'] }

/** What the image of the session's project is fetched with; null: its registry asks nobody who they are. */
export async function imageLoginOf(
  trx: Knex,
  context: Context,
  session: SessionRow,
  project: ImageRow,
): Promise<SessionSpec['imageLogin']> {
  const { image, image_login: login } = project
  if (image === null || login === null) return null
  const password = await new SecretStore(context.db, context.sealing).valueOf(trx, session.org_id, session.project_id, login.secret)
  return password === null ? null : { ...login, password }
}

/** Nobody is asked to guess why a registry shows nothing. */
export async function withoutSecret(trx: Knex, context: Context, session: SessionRow, project: ImageRow): Promise<string | null> {
  const { image, image_login: login } = project
  if (image === null || login === null || (await imageLoginOf(trx, context, session, project)) !== null) return null
  return `The image ${image} is fetched as ${login.user} with the secret ${login.secret}, which neither the project nor the organisation has: add it under Secrets, or change the project's settings (Sandbox)`
}
