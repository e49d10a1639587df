import type { IncomingHttpHeaders } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import { hashSecret } from '../../identity/hashing.ts'
import type { Caller, CallerStore, NoCaller } from './store.ts'

/** Units: milliseconds. What is known is asked again behind a call's back when it gets old, and before the call when it is too old. */
export interface Lives {
  freshMs: number
  oldestMs: number
  unknownMs: number
  /** While the database is away, what was good is believed for so long; it is away when it says nothing for this long. */
  awayMs: number
  silentMs: number
}

export const lives: Lives = { freshMs: 1000, oldestMs: 2000, unknownMs: 1000, awayMs: 30_000, silentMs: 1000 }

const mostKnown = 20_000

interface Known {
  found: Caller | NoCaller
  at: number
}

/** Told by the database with each change of what a token may: a session's id, a key's hash, or an organisation's id. */
export const tokensChannel = 'helix_tokens'

export function tokenOf(headers: IncomingHttpHeaders, query: URLSearchParams): string {
  const bearer = headers.authorization?.replace(/^Bearer /i, '')
  const key = headers['x-api-key'] ?? headers['x-goog-api-key']
  return bearer ?? (typeof key === 'string' ? key : undefined) ?? query.get('key') ?? ''
}

/** Knows from memory whose a token is. A change wakes it; without one nothing is believed for longer than two seconds. */
export class Callers {
  private readonly store: Pick<CallerStore, 'ofSession' | 'ofApiKey'>
  private readonly lives: Lives
  private readonly known = new Map<string, Known>()
  private readonly asking = new Map<string, Promise<Caller | NoCaller>>()
  /** Raised by each change: an answer that was asked for before it is not kept. */
  private changes = 0
  private away = false

  constructor(store: Pick<CallerStore, 'ofSession' | 'ofApiKey'>, given: Lives = lives) {
    this.store = store
    this.lives = given
  }

  /** Throws 401 for a stranger and 402 for a session's token that has ended: agents stop at once on it and retry on 401. */
  of(headers: IncomingHttpHeaders, query: URLSearchParams): Caller | Promise<Caller> {
    if (headers.cookie !== undefined) throw new HelixError('not_signed_in', 'The gateway takes tokens, not cookies.')
    const token = tokenOf(headers, query)
    if (!/^h[sx]_[\w-]{1,200}$/.test(token)) throw stranger()
    const hash = hashSecret(token)
    const known = this.known.get(hash)
    const age = known === undefined ? Number.POSITIVE_INFINITY : performance.now() - known.at
    if (known === undefined || typeof known.found === 'string')
      return known !== undefined && age < this.lives.unknownMs ? admit(known.found) : this.ask(token, hash).then(admit)
    if (age > this.lives.oldestMs) return this.askOr(token, hash, known.found, age).then(admit)
    if (age > this.lives.freshMs) this.ask(token, hash).catch(() => undefined)
    return known.found
  }

  /** `what` is what the database says that changed; nothing: anything may have. */
  changed(what?: string): void {
    this.changes++
    for (const [hash, { found }] of this.known) {
      if (what === undefined) this.known.delete(hash)
      if (typeof found === 'string') continue
      const { orgId, sessionId } = found.scope
      if (what === hash || what === orgId || what === sessionId) this.known.delete(hash)
    }
  }

  private askOr(token: string, hash: string, before: Caller, age: number): Promise<Caller | NoCaller> {
    const answer = this.ask(token, hash)
    if (age > this.lives.awayMs) return answer
    // What it may spend is bounded by the leases of its budgets, also when somebody ended it in a database that this process does not reach.
    const instead = answer.catch(() => before)
    if (this.away) return Promise.resolve(before)
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<Caller>((resolve) => {
      timer = setTimeout(() => {
        this.away = true
        resolve(before)
      }, this.lives.silentMs)
    })
    return Promise.race([instead, silence]).finally(() => clearTimeout(timer))
  }

  private ask(token: string, hash: string): Promise<Caller | NoCaller> {
    const running = this.asking.get(hash)
    if (running !== undefined) return running
    const asked = this.read(token, hash).finally(() => this.asking.delete(hash))
    this.asking.set(hash, asked)
    return asked
  }

  private async read(token: string, hash: string): Promise<Caller | NoCaller> {
    for (let look = 0; ; look++) {
      const before = this.changes
      const found = await (token.startsWith('hs_') ? this.store.ofSession(hash) : this.store.ofApiKey(hash))
      this.away = false
      if (before !== this.changes && look < 3) continue
      if (this.known.size >= mostKnown) this.known.delete(this.known.keys().next().value ?? '')
      this.known.delete(hash)
      this.known.set(hash, { found, at: performance.now() })
      return found
    }
  }
}

const stranger = (): HelixError => new HelixError('not_signed_in', 'Send a session token or an API key.')

function admit(found: Caller | NoCaller): Caller {
  if (found === 'ended')
    throw new HelixError('budget_exhausted', 'The session has stopped or was started again: this token is worth nothing any more.')
  if (found === 'unknown') throw stranger()
  return found
}
