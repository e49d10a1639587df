import { type Call, createClient } from '@helix/contract/client'
import { signInWithLink } from '@helix/contract/identity'
import { createSignInLink } from '@helix/contract/internal'
import type { Stack } from './stack.ts'

/** A fresh link that signs the local administrator in, once. */
export async function signInLink(stack: Pick<Stack, 'url' | 'secrets'>): Promise<string> {
  const { url } = await createClient({ baseUrl: stack.url, token: stack.secrets.workerToken })(createSignInLink, {})
  return url
}

/** The public API as the local administrator, by the same sign-in as a browser. */
export async function administrator(stack: Pick<Stack, 'url' | 'secrets'>): Promise<Call> {
  const { token } = await createClient({ baseUrl: stack.url, token: stack.secrets.workerToken })(createSignInLink, {})
  let cookie = ''
  const withCookie: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers)
    if (cookie !== '') headers.set('cookie', cookie)
    headers.set('origin', stack.url)
    const response = await fetch(input, { ...init, headers })
    const set = response.headers.getSetCookie()[0]
    if (set !== undefined) cookie = set.split(';')[0] ?? ''
    return response
  }
  const call = createClient({ baseUrl: stack.url, fetch: withCookie })
  await call(signInWithLink, { body: { token } })
  return call
}
