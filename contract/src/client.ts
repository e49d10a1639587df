import type { z } from 'zod'
import type { Endpoint } from './endpoint.ts'
import { errorBody, HelixError } from './errors.ts'

type Empty = Record<string, never>
type Part<N extends string, T> = T extends Empty ? { [K in N]?: T } : object extends T ? { [K in N]?: T } : { [K in N]: T }

/** What a call takes: params, query and body as the endpoint's schemas accept them, plus an optional key for safe repetition. */
export type CallInput<E extends Endpoint> = Part<'params', z.input<E['params']>> &
  Part<'query', z.input<E['query']>> &
  Part<'body', z.input<E['body']>> & {
    idempotencyKey?: string
    signal?: AbortSignal
    /** Arrives even when its page is closed; browsers take bodies of 64 KB so. */
    keepalive?: boolean
  }

export type Call = <E extends Endpoint>(endpoint: E, input: CallInput<E>) => Promise<z.output<E['response']>>

export interface ClientOptions {
  /** Origin without a trailing slash; empty for "the page's own". */
  baseUrl: string
  /** Bearer token: an API key or a service token. Absent in a browser, where the cookie speaks. */
  token?: string
  /** For tests and for SvelteKit's own fetch. */
  fetch?: typeof fetch
}

function pathOf(endpoint: Endpoint, params: Record<string, unknown>): string {
  return endpoint.path.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
}

function queryOf(query: Record<string, unknown>): string {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.set(key, String(value))
  }
  const text = search.toString()
  return text === '' ? '' : `?${text}`
}

async function failureOf(response: Response): Promise<HelixError> {
  const body = errorBody.safeParse(await response.json().catch(() => undefined))
  if (!body.success) return new HelixError('internal', `HTTP ${response.status} without a Helix error body`)
  const { code, message, details, requestId } = body.data.error
  return new HelixError(code, message, details, requestId)
}

/** A typed client of any set of endpoints. Rejects with `HelixError` for an error answer and with fetch's own error when nothing answers. */
export function createClient(options: ClientOptions): Call {
  const send = options.fetch ?? fetch
  return async <E extends Endpoint>(endpoint: E, input: CallInput<E>): Promise<z.output<E['response']>> => {
    const given = input as {
      params?: object
      query?: object
      body?: unknown
      idempotencyKey?: string
      signal?: AbortSignal
      keepalive?: boolean
    }
    const url = `${options.baseUrl}${pathOf(endpoint, { ...given.params })}${queryOf({ ...given.query })}`
    const headers: Record<string, string> = { accept: 'application/json' }
    if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`
    if (given.idempotencyKey !== undefined) headers['idempotency-key'] = given.idempotencyKey
    const init: RequestInit = { method: endpoint.method, headers }
    if (given.signal !== undefined) init.signal = given.signal
    if (given.keepalive === true) init.keepalive = true
    if (endpoint.method !== 'GET') {
      headers['content-type'] = 'application/json'
      init.body = JSON.stringify(given.body ?? {})
    }
    const response = await send(url, init)
    if (!response.ok) throw await failureOf(response)
    return endpoint.response.parse(await response.json()) as z.output<E['response']>
  }
}
