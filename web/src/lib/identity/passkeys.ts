import { HelixError } from '@helix/contract/errors'
import { startAuthentication, startRegistration } from '@simplewebauthn/browser'

const failed = (): HelixError => new HelixError('sign_in_failed', 'That passkey did not work here.')

async function ask(path: string, body?: unknown): Promise<never> {
  const init: RequestInit =
    body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(`/api/auth/passkey/${path}`, init)
  if (!response.ok) throw failed()
  return (await response.json()) as never
}

/** What the browser itself says when a person closes its window is no failure worth an alarm. */
async function byPerson<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && error.name === 'NotAllowedError') throw new HelixError('sign_in_failed', 'No passkey was chosen.')
    throw error
  }
}

/** Signs in with a passkey that the person picks in the browser's own window. */
export async function signInWithPasskey(): Promise<true> {
  const optionsJSON = await ask('generate-authenticate-options')
  await ask('verify-authentication', { response: await byPerson(startAuthentication({ optionsJSON })) })
  return true
}

/** Makes a passkey for the person who is signed in. */
export async function addPasskey(name: string): Promise<true> {
  const optionsJSON = await ask(`generate-register-options?${new URLSearchParams({ name })}`)
  await ask('verify-registration', { response: await byPerson(startRegistration({ optionsJSON })), name })
  return true
}
