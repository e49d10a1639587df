import type { CallInput } from '@helix/contract/client'
import type { Endpoint, ResponseOf } from '@helix/contract/endpoint'
import { errorCatalogue } from '@helix/contract/errors'
import { error, redirect } from '@sveltejs/kit'
import { clientOf } from './api.ts'
import { failureOf } from './failure.ts'
import { fetchForLoad } from './reread.ts'
import { routes } from './routes.ts'

interface LoadLike {
  fetch: typeof fetch
  url: URL
}

/** What a load function asks the API with: a stranger is sent to sign in, every other failure becomes the error page. */
export async function ask<E extends Endpoint>(event: LoadLike, endpoint: E, input: CallInput<E>): Promise<ResponseOf<E>> {
  try {
    return await clientOf(fetchForLoad(event.fetch))(endpoint, input)
  } catch (thrown) {
    const { code, message, requestId } = failureOf(thrown)
    if (code === 'not_signed_in') redirect(303, routes.signIn(event.url.pathname + event.url.search))
    const status = code in errorCatalogue ? errorCatalogue[code as keyof typeof errorCatalogue].status : 503
    error(status, message, { code, ...(requestId === null ? {} : { requestId }) })
  }
}
