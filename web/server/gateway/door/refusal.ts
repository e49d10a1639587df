import type { ServerResponse } from 'node:http'
import type { HelixError } from '@helix/contract/errors'
import type { ConversationDialect } from '../ports/candidate.ts'
import type { Words } from './routes.ts'

const anthropicTypes: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
}

const googleStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  413: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
}

const openAiTypes: Readonly<Record<number, string>> = { 401: 'authentication_error', 402: 'insufficient_quota', 429: 'rate_limit_error' }

const messageOf = (error: HelixError, requestId: string): string => `${error.message} (${error.code}, request ${requestId})`
const byClass = (status: number): string => (status >= 500 ? 'api_error' : 'invalid_request_error')

/** The error body that clients of the dialect understand, with our code and request id in the message. */
export function errorBody(words: Words, error: HelixError, requestId: string): object {
  const message = messageOf(error, requestId)
  const { status, code } = error
  if (words === 'anthropic')
    return { type: 'error', error: { type: anthropicTypes[status] ?? byClass(status), message }, request_id: requestId }
  if (words === 'google') return { error: { code: status, message, status: googleStatuses[status] ?? 'UNAVAILABLE' } }
  return { error: { message, type: openAiTypes[status] ?? byClass(status), param: null, code } }
}

/** The events that end a broken stream: the client’s SDK throws on them. */
export function errorEvents(dialect: ConversationDialect, error: HelixError, requestId: string): string {
  if (dialect === 'messages') return `event: error\ndata: ${JSON.stringify(errorBody('anthropic', error, requestId))}\n\n`
  if (dialect === 'generate') return `data: ${JSON.stringify(errorBody('google', error, requestId))}\n\n`
  const body = errorBody('openai', error, requestId)
  if (dialect === 'chat') return `data: ${JSON.stringify(body)}\n\n`
  const message = messageOf(error, requestId)
  const response = { object: 'response', status: 'failed', error: { code: 'server_error', message }, output: [] }
  const failed = `event: response.failed\ndata: ${JSON.stringify({ type: 'response.failed', response })}\n\n`
  // OpenAI’s SDK throws on the first, and would complain of the second’s id; Codex passes over the first and ends on the second.
  return `event: error\ndata: ${JSON.stringify({ type: 'error', code: error.code, message, param: null, ...body })}\n\n${failed}`
}

/** Units: seconds, rounded up; null: nobody said when. */
function retryAfterOf(error: HelixError): number | null {
  const { retryAfterMs } = error.details ?? {}
  return typeof retryAfterMs === 'number' && Number.isFinite(retryAfterMs) ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : null
}

/** Answers with the error before anything else was answered. */
export function refuse(response: ServerResponse, words: Words, error: HelixError, requestId: string): void {
  const after = retryAfterOf(error)
  if (after !== null) response.setHeader('retry-after', String(after))
  sendJson(response, error.status, errorBody(words, error, requestId))
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  const text = JSON.stringify(value)
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) }).end(text)
}
