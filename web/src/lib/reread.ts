import { invalidate, invalidateAll } from '$app/navigation'

/** Units: milliseconds between looks whether Helix answers again. */
const lookEveryMs = 2000
/** What a proxy says while nothing stands behind it, and Helix while its database is away. */
const away = new Set([502, 503, 504])

let rereads = 0
let left = new AbortController()

/**
 * Reads what the page shows again: all of it, or what depends on `what`. While Helix does not answer the page stays as it is, with everything
 * typed in it: SvelteKit alone would put the error page in its place.
 */
export async function reread(what?: string): Promise<void> {
  const { signal } = left
  rereads++
  try {
    // What the server loads is asked for by SvelteKit itself, so that a look goes before.
    await patient(fetch, signal)('/healthz')
    if (!signal.aborted) await (what === undefined ? invalidateAll() : invalidate(what))
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    rereads--
  }
}

/** The person goes elsewhere: nothing is waited for any more. */
export function endRereads(): void {
  left.abort()
  left = new AbortController()
}

/** What load functions ask with: patient while the page that stands is read again. */
export const fetchForLoad = (send: typeof fetch): typeof fetch => (rereads > 0 ? patient(send, left.signal) : send)

/** Asks again until there is an answer. For reading only. */
function patient(send: typeof fetch, signal: AbortSignal): typeof fetch {
  return async (input, init) => {
    for (;;) {
      try {
        const response = await send(input, init)
        if (!away.has(response.status) || signal.aborted) return response
      } catch (error) {
        if (!(error instanceof TypeError) || signal.aborted) throw error
      }
      await pause(signal)
    }
  }
}

/** Ends early when the browser is online again or the person goes. */
function pause(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = new AbortController()
  const timer = setTimeout(resolve, lookEveryMs)
  window.addEventListener('online', () => resolve(), { signal: done.signal })
  signal.addEventListener('abort', () => resolve(), { signal: done.signal })
  return promise.finally(() => {
    clearTimeout(timer)
    done.abort()
  })
}
