import { getMe } from '@helix/contract/identity'
import { readInvitation } from '@helix/contract/organisations'
import { clientOf } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import type { PageServerLoad } from './$types'

/** What the link is about, and who looks at it. Looking uses nothing up. */
export const load: PageServerLoad = async ({ url, fetch }) => {
  const call = clientOf(fetch)
  const token = url.searchParams.get('token') ?? ''
  const me = await call(getMe, {}).catch(() => null)
  try {
    return { token, email: me?.user.email ?? null, invitation: await call(readInvitation, { body: { token } }), failure: null }
  } catch (error) {
    return { token, email: me?.user.email ?? null, invitation: null, failure: failureOf(error) }
  }
}
