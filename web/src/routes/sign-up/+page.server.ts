import { readInvitation } from '@helix/contract/organisations'
import { getSignInOptions } from '@helix/contract/sign-in'
import { clientOf } from '#lib/api.ts'
import type { PageServerLoad } from './$types'

export const load: PageServerLoad = async ({ url, fetch }) => {
  const call = clientOf(fetch)
  const invitation = url.searchParams.get('invitation')
  const found = invitation === null ? null : await call(readInvitation, { body: { token: invitation } }).catch(() => null)
  const options = await call(getSignInOptions, {}).catch(() => null)
  return { invitation, email: found?.email ?? null, open: options?.registration === 'open' }
}
