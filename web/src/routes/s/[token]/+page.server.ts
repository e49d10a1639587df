import { readPublicSpec } from '@helix/contract/reviews'
import { error } from '@sveltejs/kit'
import { clientOf } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { words } from '#lib/reviews/messages.ts'
import type { PageServerLoad } from './$types'

/** Nobody signs in here: what the link does not open is not there. Nothing of it is kept by caches, search engines or the sites it links to. */
export const load: PageServerLoad = async ({ params, fetch, setHeaders }) => {
  setHeaders({ 'x-robots-tag': 'noindex, nofollow', 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
  try {
    return { spec: await clientOf(fetch)(readPublicSpec, { body: { token: params.token } }) }
  } catch (thrown) {
    const { code, message } = failureOf(thrown)
    if (code === 'not_found' || code === 'invalid_request') error(404, `${words.public.goneTitle}. ${words.public.goneText}`)
    error(503, message)
  }
}
