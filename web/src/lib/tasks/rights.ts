import { type OrgPermission, type Role, roleGrants } from '@helix/contract/permissions'
import { getContext, setContext } from 'svelte'

/** What the person may do with the task that is shown, so that it need not go through everything on its page. */
export interface Rights {
  may(permission: OrgPermission): boolean
}

const key = Symbol('rights')
export const provideRights = (role: () => Role): Rights => setContext(key, { may: (permission) => roleGrants(role(), permission) })
export const useRights = (): Rights => getContext<Rights>(key)
