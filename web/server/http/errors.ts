import { type ErrorBody, HelixError } from '@helix/contract/errors'
import type { ErrorRequestHandler, Request } from 'express'
import type { Logger } from 'pino'
import { z } from 'zod'

const tooLarge = new Set(['entity.too.large', 'encoding.unsupported', 'request.size.invalid'])
const unreachable = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOENT', '57P01', '57P03', '08006', '08001'])

/** The name of an entry that is none says only that; why is in the fault below it. */
const faultOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message

function fieldsOf(error: z.ZodError): Record<string, string> {
  return Object.fromEntries(error.issues.map((issue) => [issue.path.join('.') || 'body', faultOf(issue)]))
}

/** Every error a handler can throw, as one of the catalogue. What is not known becomes `internal` and says nothing of its cause. */
export function asHelixError(error: unknown): HelixError {
  if (error instanceof HelixError) return error
  if (error instanceof z.ZodError) {
    const fields = fieldsOf(error)
    const [first] = Object.entries(fields)
    return new HelixError('invalid_request', first ? `${first[0]}: ${first[1]}` : undefined, { fields })
  }
  const { type, code, message, syscall } = error as { type?: string; code?: string; message?: string; syscall?: string }
  if (type === 'entity.too.large') return new HelixError('too_large')
  if (type !== undefined && (tooLarge.has(type) || type.startsWith('entity.') || type === 'request.aborted'))
    return new HelixError('invalid_request', 'The body is not valid JSON.')
  if (error instanceof URIError) return new HelixError('invalid_request', 'The URL is not valid.')
  if (code === 'ENOSPC' || code === '53100' || message?.includes('No space left on device')) return new HelixError('storage_full')
  if (code !== undefined && unreachable.has(code) && (syscall === 'connect' || code.length === 5))
    return new HelixError('database_unavailable')
  if (message?.includes('Timeout acquiring a connection') || message?.includes('Connection terminated'))
    return new HelixError('database_unavailable')
  return new HelixError('internal')
}

export function errorAnswer(error: HelixError, requestId: string): ErrorBody {
  const details = error.details === undefined ? {} : { details: error.details }
  return { error: { code: error.code, message: error.message, requestId, ...details } }
}

/** The one handler at the end of the app. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response, _next) => {
    const known = asHelixError(error)
    // A machine that is away is no fault of this process, and pages ask for it again and again.
    if (known.status >= 500 && known.code !== 'machine_unavailable')
      log.error({ err: error, requestId: request.id, path: request.path }, 'request failed')
    if (response.headersSent) {
      response.destroy()
      return
    }
    const { retryAfterSeconds } = known.details ?? {}
    if (typeof retryAfterSeconds === 'number') response.setHeader('retry-after', String(Math.ceil(retryAfterSeconds)))
    response.status(known.status).json(errorAnswer(known, request.id))
  }
}
