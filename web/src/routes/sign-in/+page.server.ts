import { signInWithLink, signInWithPassword } from '@helix/contract/identity'
import { fail, redirect } from '@sveltejs/kit'
import { clientOf } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { safeNext } from '#lib/routes.ts'
import type { Actions, PageServerLoad, RequestEvent } from './$types'

// Nothing is used up by looking: mail programs and chats open links to show what is behind them.
export const load: PageServerLoad = ({ url }) => ({ token: url.searchParams.get('token'), next: safeNext(url.searchParams.get('next')) })

async function enter(event: RequestEvent, form: FormData): Promise<void> {
  const call = clientOf(event.fetch)
  const token = form.get('token')
  if (token !== null) await call(signInWithLink, { body: { token: String(token) } })
  else await call(signInWithPassword, { body: { email: String(form.get('email') ?? ''), password: String(form.get('password') ?? '') } })
}

export const actions: Actions = {
  default: async (event) => {
    const form = await event.request.formData()
    try {
      await enter(event, form)
    } catch (error) {
      const failure = failureOf(error)
      return fail(failure.code === 'rate_limited' ? 429 : 401, {
        failure,
        email: String(form.get('email') ?? ''),
        byLink: form.has('token'),
      })
    }
    redirect(303, safeNext(event.url.searchParams.get('next')))
  },
}
