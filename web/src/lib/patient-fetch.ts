/** Units: milliseconds. */
const pauseMs = 400

const repeatable = (init: RequestInit | undefined): boolean =>
  (init?.method ?? 'GET') === 'GET' || new Headers(init?.headers).has('idempotency-key')

/**
 * A fetch that asks once more when no answer came and asking twice does no harm. Chromium cuts what is under way when a network of its machine comes or
 * goes, which each session does where Helix runs on the person's own.
 */
export function oncePatient(send: typeof fetch): typeof fetch {
  return async (input, init) => {
    try {
      return await send(input, init)
    } catch (error) {
      if (!(error instanceof TypeError) || init?.signal?.aborted || !repeatable(init)) throw error
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      init?.signal?.throwIfAborted()
      return send(input, init)
    }
  }
}
