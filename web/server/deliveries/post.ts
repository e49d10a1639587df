import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import { isPublicAddress } from '../git/addresses.ts'

export interface Posting {
  url: string
  headers: Record<string, string>
  body: string | Buffer
}

export interface PostRules {
  /** Addresses of the own network and plain http, for installations that talk to their own services. */
  allowPrivate: boolean
  /** Units: milliseconds, for all of it. */
  timeoutMs: number
}

export interface Posted {
  status: number
  /** Units: milliseconds; what the receiver asks for before the next try. */
  retryAfterMs: number | null
}

/** A message for people: what is wrong with the receiver or its address. */
export class PostError extends Error {
  override readonly name = 'PostError'
}

/** Every address of the host must be public, and the one that was checked is the one that is dialled. */
async function pinnedAddress(url: URL, { allowPrivate }: PostRules): Promise<string> {
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) throw new PostError('Only https is allowed here.')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) ? [host] : (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
  const [first] = found
  if (first === undefined) throw new PostError(`The host ${host} was not found.`)
  const bad = allowPrivate ? undefined : found.find((address) => !isPublicAddress(address))
  if (bad !== undefined) throw new PostError(`${host} leads to ${bad}, which is not an address of the public internet.`)
  return first
}

function retryAfter(header: string | string[] | undefined): number | null {
  const value = Array.isArray(header) ? header[0] : header
  if (value === undefined) return null
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) && ms > 0 ? ms : null
}

async function within<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return Promise.race([
    work,
    new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true })),
  ])
}

/** Posts to an address that somebody typed. Redirects are answers, never followed; the answer's body is not read. */
export async function post(posting: Posting, rules: PostRules): Promise<Posted> {
  const url = new URL(posting.url)
  const signal = AbortSignal.timeout(rules.timeoutMs)
  let agent: Agent | undefined
  try {
    const address = await within(pinnedAddress(url, rules), signal)
    // undici asks no lookup for IP literals: the address is put in place of the name, which stays for TLS and the Host header.
    const connect = buildConnector({ timeout: rules.timeoutMs })
    agent = new Agent({ connect: (options, callback) => connect({ ...options, hostname: address }, callback) })
    const answer = await request(url, { method: 'POST', headers: posting.headers, body: posting.body, dispatcher: agent, signal })
    answer.body.on('error', () => undefined).destroy()
    return { status: answer.statusCode, retryAfterMs: retryAfter(answer.headers['retry-after']) }
  } catch (error) {
    if (error instanceof PostError) throw error
    throw new PostError(reasonOf(error, rules))
  } finally {
    void agent?.destroy().catch(() => undefined)
  }
}

function reasonOf(error: unknown, { timeoutMs }: PostRules): string {
  const { name, code, message } = error as { name?: string; code?: string; message?: string }
  if (name === 'TimeoutError' || code === 'UND_ERR_CONNECT_TIMEOUT') return `No answer within ${Math.round(timeoutMs / 100) / 10} s.`
  if (code === 'ECONNREFUSED') return 'The connection was refused.'
  return `${code ?? name ?? 'Error'}: ${message ?? ''}`.slice(0, 300)
}
