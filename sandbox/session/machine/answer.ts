import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ErrorCode, HelixError } from '@helix/contract/errors'
import type { z } from 'zod'
import { reasonOf } from '../log.ts'

/** Units: bytes of a JSON body. */
const longestBody = 8 * 1024 * 1024

/** The body of a request as its schema reads it; throws `invalid_request` with what is wrong. */
export async function bodyOf<T extends z.ZodType>(request: IncomingMessage, schema: T): Promise<z.output<T>> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > longestBody) throw new HelixError('too_large')
    chunks.push(chunk)
  }
  return parsed(schema, size === 0 ? {} : json(Buffer.concat(chunks).toString('utf8')))
}

export function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new HelixError('invalid_request', `${issue?.path.join('.')}: ${issue?.message}`)
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new HelixError('invalid_request', 'The body is not JSON.')
  }
}

export function answerJson(response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

/** In the shape of every error of Helix. Once an answer has begun, only its end can tell. */
export function answerError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const known = error instanceof HelixError ? error : new HelixError('internal', reasonOf(error))
  const text = JSON.stringify({ error: { code: known.code satisfies ErrorCode, message: known.message, requestId: '' } })
  // What was not read of the request is not waited for.
  response.writeHead(known.status, { 'content-type': 'application/json', connection: 'close' }).end(text)
}
