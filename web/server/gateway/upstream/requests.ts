import type { IncomingHttpHeaders } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import type { Dispatcher } from 'undici'
import type { Route } from '../door/routes.ts'
import type { Candidate } from '../ports/candidate.ts'
import { addressOf } from './pools.ts'

/** One call as a provider is to hear it. */
export interface Outgoing {
  method: 'GET' | 'POST' | 'DELETE'
  route: Route
  /** The client’s, without its key. */
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer | null
  /** Of the project’s policy. */
  added: Readonly<Record<string, string>>
}

/** Of the client’s headers, what each kind of provider may hear. All others (tokens, cookies, organisations) stay here. */
const passed: Readonly<Record<'openai' | 'anthropic' | 'google', readonly string[]>> = {
  openai: ['openai-beta'],
  anthropic: ['anthropic-version', 'anthropic-beta'],
  google: [],
}

/** What would begin another header or another request. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/
const reserved =
  /^(host|connection|content-length|transfer-encoding|content-type|authorization|x-api-key|x-goog-api-key|api-key|cookie|expect|upgrade)$/i

function safe(name: string, value: string, whose: string): string {
  if (unsafe.test(value)) throw new HelixError('provider_failed', `${name}: ${whose} holds characters that no header may have.`)
  return value
}

function keyHeader(candidate: Candidate): Record<string, string> {
  const { kind, key, provider } = candidate
  if (key.secret === '') return {}
  const secret = safe('key', key.secret, `the key of the provider ${provider}`)
  if (kind === 'anthropic') return { 'x-api-key': secret }
  if (kind === 'gemini') return { 'x-goog-api-key': secret }
  if (kind === 'azure_openai') return { 'api-key': secret }
  return { authorization: `Bearer ${secret}` }
}

const familyOf = ({ kind }: Candidate): keyof typeof passed =>
  kind === 'anthropic' ? 'anthropic' : kind === 'gemini' ? 'google' : 'openai'

/** What a policy adds. Throws where it would begin another header, or take the place of one that is ours. */
export function addedHeaders(added: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(added)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name) || reserved.test(name))
      throw new HelixError('provider_failed', `${name.slice(0, 60)}: the project’s policy may not set this header.`)
    headers[name.toLowerCase()] = safe(name, value, 'the project’s policy')
  }
  return headers
}

function headersOf(candidate: Candidate, call: Outgoing): Record<string, string> {
  const headers: Record<string, string> = {
    accept: call.headers.accept ?? '*/*',
    // Compression would cost both sides more than the wire does, and a stream could not be read while it passes.
    'accept-encoding': 'identity',
    'user-agent': 'helix-gateway',
  }
  if (call.body !== null) headers['content-type'] = call.route.body === 'form' ? (call.headers['content-type'] ?? '') : 'application/json'
  const family = familyOf(candidate)
  if (family === 'anthropic') headers['anthropic-version'] = '2023-06-01'
  for (const name of passed[family]) {
    const value = call.headers[name]
    if (value !== undefined) headers[name] = String(value)
  }
  return { ...headers, ...addedHeaders(call.added), ...keyHeader(candidate) }
}

function pathOf(candidate: Candidate, { route, query }: Outgoing): string {
  const base = addressOf(candidate).pathname.replace(/\/$/, '')
  const text = query.size === 0 ? '' : `?${query}`
  if (candidate.kind === 'gemini') {
    const version = /\/v\d+(beta|alpha)?$/.test(base) ? base : `${base}/v1beta`
    return `${version}/models/${encodeURIComponent(candidate.model).replaceAll('%2F', '/')}:${route.path}${text}`
  }
  const { apiVersion } = candidate.settings
  if (candidate.kind !== 'azure_openai' || apiVersion === undefined) return `${base}${route.path}${text}`
  const prefix = base.replace(/\/openai(\/v1)?$/, '')
  return `${prefix}/openai/deployments/${encodeURIComponent(candidate.model)}${route.path}?api-version=${encodeURIComponent(apiVersion)}`
}

export function optionsOf(candidate: Candidate, call: Outgoing): Dispatcher.DispatchOptions {
  return { path: pathOf(candidate, call), method: call.method, headers: headersOf(candidate, call), body: call.body }
}
