import type { HelixError } from '@helix/contract/errors'
import type { Response } from 'express'
import type { ProviderDialect } from './providers.ts'

/** Which dialect a path under `/v1` speaks. */
export function dialectOfPath(path: string): ProviderDialect {
  return path.startsWith('/messages') ? 'anthropic' : 'openai'
}

/** The error body that clients of the dialect understand, with our code and request id in the message. */
export function errorBody(dialect: ProviderDialect, error: HelixError, requestId: string): object {
  const message = `${error.message} (${error.code}, request ${requestId})`
  const type = error.status === 401 ? 'authentication_error' : error.status >= 500 ? 'api_error' : 'invalid_request_error'
  if (dialect === 'anthropic') return { type: 'error', error: { type, message }, request_id: requestId }
  return { error: { message, type, param: null, code: error.code } }
}

/** Answers with the error, or, when the stream has begun, ends it with an error event: never silently. */
export function sendError(dialect: ProviderDialect, response: Response, error: HelixError, requestId: string): void {
  const body = JSON.stringify(errorBody(dialect, error, requestId))
  if (!response.headersSent) {
    response.status(error.status).type('json').send(body)
    return
  }
  if (!response.writableEnded) response.end(dialect === 'anthropic' ? `event: error\ndata: ${body}\n\n` : `data: ${body}\n\n`)
}
