import { HelixError } from '@helix/contract/errors'
import { type Dispatcher, fetch as dispatch } from 'undici'
import type { Candidate } from '../../ports/candidate.ts'

/** The connections of a candidate: guarded where it is. */
export type DispatcherOf = (candidate: Candidate) => Dispatcher

export type Fetch = typeof globalThis.fetch

export interface Sending {
  fetch: Fetch
  candidate: Candidate
}

const noAnswer = (candidate: Candidate, why: unknown): HelixError => {
  const cause = why instanceof Error && why.cause instanceof Error ? why.cause : why
  return new HelixError(
    'provider_failed',
    `The provider ${candidate.provider} does not answer: ${cause instanceof Error ? cause.message : cause}.`,
  )
}

/**
 * The library’s way to the provider: our connections, one try (retries have one owner, and it is not here), no redirects (they would leave the
 * guard), and what `change` does to address and headers.
 */
export function sendingTo(candidate: Candidate, dispatcherOf: DispatcherOf, extra: Readonly<Record<string, string>>): Fetch {
  const dispatcher = dispatcherOf(candidate)
  return (async (input: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    // The library names itself and its versions: that is nobody’s business.
    headers.set('user-agent', 'helix')
    for (const [name, value] of Object.entries(extra)) headers.set(name, value)
    const { method = 'POST', body, signal } = init
    try {
      return await dispatch(input, {
        method,
        headers: Object.fromEntries(headers),
        body: body as string,
        signal: signal ?? null,
        redirect: 'manual',
        dispatcher,
      })
    } catch (error) {
      if (signal?.aborted) throw error
      throw noAnswer(candidate, error)
    }
  }) as unknown as Fetch
}
