import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import { asHelixError } from '../http/errors.ts'
import { Account } from './calls/account.ts'
import { type Call, Left, type Parts } from './calls/call.ts'
import { converse, lookedAt } from './calls/converse.ts'
import { countTokens } from './calls/count.ts'
import { answerDemo } from './calls/demo.ts'
import { listModels } from './calls/models.ts'
import { pass } from './calls/pass.ts'
import { files, stored } from './calls/stored.ts'
import type { KeyHealth } from './choice/breaker.ts'
import { type Bodies, discard } from './door/body.ts'
import type { Callers } from './door/callers.ts'
import { modelOfForm } from './door/form.ts'
import { refuse } from './door/refusal.ts'
import { type Route, routeOf, type Words, wordsOf } from './door/routes.ts'
import { fieldOf, scanObject } from './door/scan.ts'
import type { Caller } from './door/store.ts'
import type { Scope } from './ports/scope.ts'
import type { Translate } from './ports/translated.ts'

export interface GatewayParts extends Parts {
  callers: Callers
  bodies: Bodies
  /** Neither the installation nor the caller has a provider. */
  demo(scope: Scope): boolean | Promise<boolean>
  /** Ends the listening for changes of tokens. */
  hearing: AsyncDisposable
}

/** Told of every request when it ended, for the metrics. */
export type Observe = (route: string, status: number, seconds: number) => void

const none = Buffer.alloc(0)

/** `/v1` and `/v1beta`: inference for agents, served straight from node:http. Errors are in the words of the dialect that asked. */
export class Gateway implements AsyncDisposable {
  private readonly parts: GatewayParts
  private readonly open = new Map<AbortController, Promise<void>>()
  observe: Observe = () => undefined

  constructor(parts: GatewayParts) {
    this.parts = parts
  }

  /** True: the request was for the gateway and is being answered. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const target = request.url ?? ''
    if (!target.startsWith('/v1/') && !target.startsWith('/v1beta/')) return false
    const left = new AbortController()
    const served = this.serve(request, response, target, left)
    this.open.set(left, served)
    void served.finally(() => this.open.delete(left))
    return true
  }

  /** Whose token it is, from memory; throws 401 for a stranger and 402 for a session's token that has ended. */
  callerOf(headers: IncomingHttpHeaders): Caller | Promise<Caller> {
    return this.parts.callers.of(headers, new URLSearchParams())
  }

  /** For test calls of providers that are asked in ways of their own. */
  get translate(): Translate {
    return this.parts.translate
  }

  /** How each key of a provider does, as this process sees it. */
  health(): KeyHealth[] {
    return this.parts.breaker.health()
  }

  /** What ended until now is in the database. */
  written(): Promise<void> {
    return this.parts.meter.flush()
  }

  /** Ends what is under way with an error that says why: the process is about to end. */
  drain(): void {
    for (const left of this.open.keys()) left.abort(new HelixError('database_unavailable', 'The control plane is restarted: ask again.'))
  }

  /** Everything that was called is recorded. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.drain()
    await Promise.all(this.open.values())
    await this.parts.hearing[Symbol.asyncDispose]()
    await this.parts.objects.written()
    await this.parts.meter[Symbol.asyncDispose]()
    await this.parts.pools[Symbol.asyncDispose]()
  }

  private async serve(request: IncomingMessage, response: ServerResponse, target: string, left: AbortController): Promise<void> {
    const begun = performance.now()
    const id = randomUUID()
    const at = target.indexOf('?')
    const path = at === -1 ? target : target.slice(0, at)
    const query = new URLSearchParams(at === -1 ? '' : target.slice(at + 1))
    const words = wordsOf(path, request.headers, query)
    response.setHeader('x-request-id', id)
    response.setHeader('x-content-type-options', 'nosniff')
    response.once('close', () => {
      if (!response.writableFinished) left.abort(new Left())
      this.log(request, response, path, id, begun)
    })
    try {
      await this.admit({ request, response, path, query, words, id, begun, left: left.signal })
    } catch (error) {
      this.refuse(error, { request, response, path, words, id, left: left.signal })
    }
  }

  private async admit(asked: Asked): Promise<void> {
    const { request, query, path, words } = asked
    const route = routeOf(request.method ?? '', path, words)
    const known = this.parts.callers.of(request.headers, query)
    const caller = known instanceof Promise ? await known : known
    if (route === null) throw new HelixError('not_found', 'The gateway does not have this path.')
    query.delete('key')
    const held = route.body === 'none' ? { body: none, release: () => undefined } : await this.parts.bodies.read(request)
    try {
      await this.answer(callOf(asked, route, caller, held.body))
    } finally {
      held.release()
    }
  }

  private async answer(call: Call): Promise<void> {
    const { parts } = this
    const { does } = call.route
    if (does === 'models') return listModels(call, parts)
    const account = new Account(call, parts.meter)
    try {
      if (await parts.demo(call.caller.scope)) await answerDemo(call, account)
      else if (does === 'converse') await converse(call, parts, account)
      else if (does === 'count_tokens') await countTokens(call, parts, account)
      else if (call.route.id !== null) await stored(call, parts, account)
      else if (does === 'files') await files(call, parts, account)
      else await pass(call, parts, account)
    } catch (error) {
      account.end(call.left.aborted ? 499 : asHelixError(error).status)
      throw error
    }
  }

  private refuse(error: unknown, asked: Pick<Asked, 'request' | 'response' | 'path' | 'words' | 'id' | 'left'>): void {
    const { request, response, path, words, id, left } = asked
    const gone = left.aborted && !(left.reason instanceof HelixError)
    if (gone) return void response.destroy()
    const known = asHelixError(left.aborted ? left.reason : error)
    if (known.status >= 500) this.parts.log.warn({ err: error, requestId: id, path }, 'inference failed')
    if (response.headersSent) return void response.destroy()
    if (!request.complete) response.setHeader('connection', 'close')
    refuse(response, words, known, id)
    discard(request)
  }

  private log(request: IncomingMessage, response: ServerResponse, path: string, requestId: string, begun: number): void {
    const durationMs = Math.round(performance.now() - begun)
    const status = response.statusCode
    const aborted = response.writableFinished ? {} : { aborted: true }
    this.observe(path.split('/').slice(1, 4).join('/').replace(/:.*/, '').slice(0, 40), status, durationMs / 1000)
    this.parts.log.info({ requestId, method: request.method, path, status, durationMs, ...aborted }, 'request')
  }
}

interface Asked {
  request: IncomingMessage
  response: ServerResponse
  path: string
  query: URLSearchParams
  words: Words
  id: string
  begun: number
  left: AbortSignal
}

function callOf(asked: Asked, route: Route, caller: Call['caller'], body: Buffer): Call {
  const { request, response, query, id, begun, left } = asked
  const scanned = route.body === 'json' ? scanObject(body, lookedAt) : null
  const named = scanned === null ? modelOfForm(request.headers['content-type'], body) : fieldOf(body, scanned, 'model')
  const model = route.model ?? named
  if (typeof model !== 'string' && route.body !== 'none' && route.does !== 'files')
    throw new HelixError('invalid_request', 'model: name the model, as GET /v1/models lists it.', { fields: { model: 'is missing' } })
  const streamed = route.path === 'streamGenerateContent' || (scanned !== null && fieldOf(body, scanned, 'stream') === true)
  return {
    id,
    method: request.method as Call['method'],
    startedAt: Date.now() - Math.round(performance.now() - begun),
    begun,
    route,
    query,
    headers: request.headers,
    caller,
    body,
    scanned,
    asked: typeof model === 'string' ? model : '',
    streamed,
    response,
    left,
  }
}
