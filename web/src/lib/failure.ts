import { HelixError } from '@helix/contract/errors'
import { isHttpError, isRedirect } from '@sveltejs/kit'

/** What a person is told when something did not work. */
export interface Failure {
  code: string
  message: string
  requestId: string | null
  details: Record<string, unknown>
}

/** Explains whatever was thrown. What is no answer of the API is most often the network. */
export function failureOf(error: unknown): Failure {
  if (error instanceof HelixError) {
    return { code: error.code, message: error.message, requestId: error.requestId ?? null, details: error.details ?? {} }
  }
  if (isHttpError(error))
    return { code: error.body.code ?? 'internal', message: error.body.message, requestId: error.body.requestId ?? null, details: {} }
  if (isRedirect(error)) throw error
  if (error instanceof TypeError && /fetch|network|load failed/i.test(error.message)) {
    return {
      code: 'unreachable',
      message: 'Helix does not answer. It may be restarting; try again in a moment.',
      requestId: null,
      details: {},
    }
  }
  return { code: 'internal', message: error instanceof Error ? error.message : 'Something failed.', requestId: null, details: {} }
}

/** Per field of a form: what is wrong with it. */
export function fieldErrors(failure: Failure | null): Record<string, string> {
  const fields = failure?.details.fields
  return typeof fields === 'object' && fields !== null ? (fields as Record<string, string>) : {}
}
