import { z } from 'zod'
import type { ErrorCode } from './errors.ts'
import type { Permission } from './permissions.ts'
import { line } from './text.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

/** Path parameters, query, body and answer of one HTTP endpoint, shared by server, client and OpenAPI. */
export interface Endpoint<
  P extends z.ZodType = z.ZodType,
  Q extends z.ZodType = z.ZodType,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
  M extends Permission = Permission,
> {
  readonly method: Method
  /** Express style: `/api/v1/tasks/:taskId`. */
  readonly path: string
  readonly permission: M
  readonly summary: string
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly response: R
  /** Codes beyond those every endpoint may answer (invalid_request, not_signed_in, not_found, internal). */
  readonly errors: readonly ErrorCode[]
  /** Units: bytes of the JSON body; default 256 KiB. */
  readonly maxBodyBytes?: number
}

const nothing = z.object({})

interface EndpointInput<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, R extends z.ZodType, M extends Permission> {
  method: Method
  path: string
  permission: M
  summary: string
  params?: P
  query?: Q
  body?: B
  response?: R
  errors?: readonly ErrorCode[]
  maxBodyBytes?: number
}

export function defineEndpoint<
  P extends z.ZodType = typeof nothing,
  Q extends z.ZodType = typeof nothing,
  B extends z.ZodType = typeof nothing,
  R extends z.ZodType = typeof nothing,
  M extends Permission = Permission,
>(input: EndpointInput<P, Q, B, R, M>): Endpoint<P, Q, B, R, M> {
  const { params, query, body, response, errors, ...rest } = input
  return {
    ...rest,
    params: params ?? (nothing as unknown as P),
    query: query ?? (nothing as unknown as Q),
    body: body ?? (nothing as unknown as B),
    response: response ?? (nothing as unknown as R),
    errors: errors ?? [],
  }
}

/** What a handler receives and a client sends: values after parsing. */
export type ParamsOf<E extends Endpoint> = z.output<E['params']>
export type QueryOf<E extends Endpoint> = z.output<E['query']>
export type BodyOf<E extends Endpoint> = z.output<E['body']>
export type ResponseOf<E extends Endpoint> = z.output<E['response']>

/** A page of a list. `nextCursor` is null on the last page. */
export function page<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() })
}

export const pageQuery = z.object({
  cursor: line(200).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
