import { randomUUID } from 'node:crypto'
import type { RequestHandler } from 'express'
import type { Logger } from 'pino'

declare global {
  namespace Express {
    interface Request {
      /** Answered as `x-request-id`, in every error body and in the log. */
      id: string
    }
  }
}

const quiet = new Set(['/healthz', '/readyz'])

/** Gives every request an id and one log line when it ended. Query strings are not logged: they may hold a sign-in token. */
export function requestLog(log: Logger, observe: (route: string, status: number, seconds: number) => void): RequestHandler {
  return (request, response, next) => {
    const start = performance.now()
    request.id = randomUUID()
    response.setHeader('x-request-id', request.id)
    response.on('close', () => {
      // The address of a public link is its secret.
      const path = request.path.replace(/^\/s\/.*/, '/s/')
      const durationMs = Math.round(performance.now() - start)
      observe(
        path
          .split('/')
          .slice(1, 4)
          .join('/')
          .replace(/[a-z]+_[0-9a-z]{26}/g, ':id'),
        response.statusCode,
        durationMs / 1000,
      )
      if (quiet.has(path)) return
      const aborted = response.writableFinished ? {} : { aborted: true }
      log.info({ requestId: request.id, method: request.method, path, status: response.statusCode, durationMs, ...aborted }, 'request')
    })
    next()
  }
}

/** Headers every answer carries; pages add their own content policy with nonces. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'same-origin')
  response.setHeader('x-frame-options', 'DENY')
  next()
}
