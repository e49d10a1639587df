import { APICallError, UnsupportedFunctionalityError } from '@ai-sdk/provider'
import { HelixError } from '@helix/contract/errors'
import { wellFormed } from '@helix/contract/text'
import type { Candidate, ConversationDialect } from '../ports/candidate.ts'
import { retryAfterMs } from '../upstream/retry-after.ts'

/** Why a call failed, before it is said in a dialect. */
export interface Fault {
  status: number
  message: string
  /** Ours, or the provider’s own word for it. */
  code: string | null
  retryAfterMs?: number | null
}

/** Units: characters. A provider’s page of HTML is no message. */
const longestMessage = 2000

function wordsOf(error: APICallError): { message: string; code: string | null } {
  const data = error.data as
    | { error?: { message?: unknown; type?: unknown; code?: unknown; status?: unknown }; message?: unknown }
    | undefined
  const said = data?.error?.message ?? data?.message
  const code = [data?.error?.type, data?.error?.status, data?.error?.code].find((word) => typeof word === 'string')
  return { message: typeof said === 'string' ? said : error.message, code: typeof code === 'string' ? code : null }
}

/** The first error of a chain that says anything. */
function saidOf(error: unknown): string {
  if (error instanceof Error) return error.message
  if (typeof error === 'string') return error
  const { message, error: inner } = (error ?? {}) as { message?: unknown; error?: unknown }
  if (typeof message === 'string') return message
  return inner === undefined || inner === null ? 'an error without words' : saidOf(inner)
}

/** The provider’s refusal keeps its status and words; what cannot be carried is the client’s to change; all else is the provider’s fault. */
export function faultOf(error: unknown, { provider, model }: Candidate): Fault {
  if (error instanceof HelixError) return { status: error.status, message: error.message, code: error.code }
  if (UnsupportedFunctionalityError.isInstance(error)) {
    const message = `${error.functionality} cannot be carried to ${model} at ${provider}.`
    return { status: 400, message, code: 'invalid_request' }
  }
  if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 400) {
    const { message, code } = wordsOf(error)
    return {
      status: error.statusCode,
      message: `${provider}: ${wellFormed(message).slice(0, longestMessage)}`,
      code,
      retryAfterMs: retryAfterMs(error.responseHeaders ?? {}),
    }
  }
  const said = saidOf(error)
  if (/stream ended/i.test(said))
    return { status: 502, message: `The provider ${provider} answered without an end: it was cut.`, code: 'provider_failed' }
  const why = wellFormed(said).slice(0, longestMessage)
  return { status: 502, message: `The provider ${provider} answered what is no answer: ${why}`, code: 'provider_failed' }
}

const anthropicTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

const googleStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
}

/** The error in the words of a dialect: https://platform.claude.com/docs/en/api/errors, https://cloud.google.com/apis/design/errors. */
export function faultBody(dialect: ConversationDialect, { status, message, code }: Fault): object {
  if (dialect === 'messages') return { type: 'error', error: { type: anthropicTypes[status] ?? 'api_error', message } }
  if (dialect === 'generate')
    return { error: { code: status, message, status: googleStatuses[status] ?? (status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL') } }
  const type =
    status === 429 ? 'rate_limit_error' : status === 401 ? 'authentication_error' : status < 500 ? 'invalid_request_error' : 'server_error'
  return { error: { message, type, param: null, code } }
}
