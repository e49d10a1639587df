import { type Call, createClient } from '@helix/contract/client'
import { oncePatient } from './patient-fetch.ts'

/** The typed client over a given fetch: SvelteKit's in load functions and hooks. */
export function clientOf(send: typeof fetch): Call {
  return createClient({ baseUrl: '', fetch: send })
}

/** The typed client of the browser: the page's own origin, the person's cookie. */
export const call: Call = createClient({ baseUrl: '', fetch: oncePatient((input, init) => fetch(input, init)) })
