import { signInWithLink } from '@helix/contract/identity'
import { getSignInOptions } from '@helix/contract/sign-in'
import { fail, redirect } from '@sveltejs/kit'
import { clientOf } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { safeNext } from '#lib/routes.ts'
import type { Actions, PageServerLoad } from './$types'

// Nothing is used up by looking: mail programs and chats open links to show what is behind them.
export const load: PageServerLoad = async ({ url, fetch }) => ({
  token: url.searchParams.get('token'),
  next: safeNext(url.searchParams.get('next')),
  failed: url.searchParams.get('failed'),
  // The password works without them.
  options: await clientOf(fetch)(getSignInOptions, {}).catch(() => null),
})

export const actions: Actions = {
  default: async (event) => {
    const form = await event.request.formData()
    try {
      await clientOf(event.fetch)(signInWithLink, { body: { token: String(form.get('token') ?? '') } })
    } catch (error) {
      const failure = failureOf(error)
      return fail(failure.code === 'rate_limited' ? 429 : 401, { failure })
    }
    redirect(303, safeNext(event.url.searchParams.get('next')))
  },
}
