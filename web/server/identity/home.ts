import type { OrgId, UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Config } from '../config.ts'
import { InvitationStore } from '../invitations/store.ts'
import { RegistrationStore } from './registration/store.ts'
import { IdentityStore } from './store.ts'

/** The code of a refusal: who it is is proven, but they have rights in no organisation. */
export const withoutRights = 'WITHOUT_RIGHTS'

/**
 * The organisation that a new session works in. Who belongs to none gets one of their own where everybody may make an account, and an invited
 * person to accept the invitation. Null: deactivation or removal holds here.
 */
export async function homeFor(db: Knex, config: Pick<Config, 'HELIX_REGISTRATION'>, userId: UserId): Promise<OrgId | null> {
  const identity = new IdentityStore(db)
  const found = await identity.findHome(userId)
  if (found !== null) return found
  const { registration } = await new RegistrationStore(db, config).get()
  if (registration !== 'open' && !(await new InvitationStore(db).isInvited(userId))) return null
  return identity.makeHome(userId)
}
