import type { IncomingMessage, ServerResponse } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import type { ProjectId } from '@helix/contract/ids'
import type { Context } from '../../context.ts'
import { Bodies, bodyLimits, discard } from '../../gateway/door/body.ts'
import type { Caller } from '../../gateway/door/store.ts'
import type { Exchange } from '../../gateway/upstream/exchange.ts'
import { asHelixError } from '../../http/errors.ts'
import { insertCalls } from '../calls/store.ts'
import { McpServerStore } from '../servers/store.ts'
import { Call } from './call.ts'
import { deliver } from './deliver.ts'
import { codes, errorMessage, failed, McpFault, tooLarge } from './fault.ts'
import { readMessages } from './messages.ts'
import { Open } from './open.ts'
import { passedHeaders, Upstream, type Verb } from './upstream.ts'

/** Units: milliseconds between looks whether a stream’s token is still good, and at the end of the process until calls are ended. */
const lookEveryMs = 15_000
const graceMs = 8000
const largestBody = 16 * 1024 ** 2
const verbs: readonly string[] = ['GET', 'POST', 'DELETE'] satisfies Verb[]

const left = new Error('the agent left')

type Parts = Pick<Context, 'db' | 'sealing' | 'log' | 'config' | 'gateway' | 'streams'>

/** `/mcp/external/<name>`: MCP servers of a session’s project, with the project’s credentials and rules. */
export class McpProxy {
  private readonly parts: Parts
  private readonly store: McpServerStore
  private readonly upstream: Upstream
  private readonly bodies = new Bodies({ ...bodyLimits, largest: largestBody })
  private readonly open = new Open()
  private readonly running = new Set<Exchange>()

  constructor(parts: Parts) {
    this.parts = parts
    this.store = new McpServerStore(parts.db, parts.sealing)
    this.upstream = new Upstream(parts.config.HELIX_ALLOW_PRIVATE_PROVIDERS !== '1')
    const restarted = new McpFault('failed', 503, codes.restarted, 'The control plane is restarted: ask again.')
    const end = (): void => {
      for (const exchange of this.running) exchange.abort(restarted)
    }
    parts.streams.signal.addEventListener('abort', () => setTimeout(end, graceMs).unref(), { once: true })
  }

  /** Answers one request; never throws. */
  async handle(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    try {
      const caller = await this.admit(request)
      const leave = this.open.enter(caller.scope.sessionId ?? '')
      try {
        await this.serve(request, response, name, caller)
      } finally {
        leave()
      }
    } catch (error) {
      this.refuse(request, response, error)
    }
  }

  private async admit({ headers }: IncomingMessage): Promise<Caller> {
    if (headers.cookie === undefined && !/^Bearer hs_/i.test(headers.authorization ?? ''))
      throw new HelixError('not_signed_in', 'Send the token of a session.')
    return this.parts.gateway.callerOf(headers)
  }

  private async serve(request: IncomingMessage, response: ServerResponse, name: string, caller: Caller): Promise<void> {
    const { method = '' } = request
    const { orgId, projectId } = caller.scope
    const server = await this.store.open(orgId, projectId as ProjectId, { name })
    if (server === null) throw new HelixError('not_found', `The project has no MCP server ${name.slice(0, 40)}, or it is switched off.`)
    if (!verbs.includes(method)) {
      response.setHeader('allow', verbs.join(', '))
      response.statusCode = 405
      return void response.end()
    }
    const call = new Call(server, method as Verb, request, response)
    const release = await this.read(call).catch((error: unknown) => fault(error, call))
    if (release instanceof McpFault) this.answer(call, release)
    else await this.pass(call).finally(release)
    await this.keep(call, caller)
    response.end()
  }

  /** Reads and checks what a POST holds; answers with what to call when it is not needed any more. */
  private async read(call: Call): Promise<() => void> {
    if (call.method !== 'POST') return () => undefined
    const { maxRequestBytes, name } = call.server
    const over = tooLarge(413, `The request is larger than the ${maxRequestBytes / 1024 ** 2} MB that the MCP server ${name} takes.`)
    if (Number(call.request.headers['content-length'] ?? 0) > maxRequestBytes) throw over
    const { body, release } = await this.bodies.read(call.request)
    try {
      call.requestBytes = body.length
      if (body.length > maxRequestBytes) throw over
      call.messages = readMessages(body)
      call.checkTools()
      return release
    } catch (error) {
      release()
      throw error
    }
  }

  /** Asks the server and gives its answer to the agent. */
  private async pass(call: Call): Promise<void> {
    const { server, response, method, request } = call
    const headers = Object.fromEntries(
      passedHeaders.flatMap((one) => (typeof request.headers[one] === 'string' ? [[one, request.headers[one]]] : [])),
    )
    let exchange: Exchange | null = null
    const watches: NodeJS.Timeout[] = []
    const gone = (): void => exchange?.abort(left)
    try {
      exchange = this.upstream.ask(server, { method, body: call.messages?.body ?? null, headers })
      this.running.add(exchange)
      response.once('close', gone)
      if (response.destroyed) gone()
      watches.push(this.limit(call, exchange), this.watchToken(call, exchange))
      if (method === 'GET') this.endWithProcess(exchange, response)
      // A stream that is held open has its head in time, and no end.
      if (method === 'GET')
        void exchange.head.then(
          () => clearTimeout(watches[0]),
          () => undefined,
        )
      await deliver(call, exchange)
    } catch (error) {
      this.answer(call, fault(error, call))
      exchange?.abort(left)
    } finally {
      for (const watch of watches) clearTimeout(watch)
      response.off('close', gone)
      if (exchange !== null) this.running.delete(exchange)
    }
  }

  private limit({ server }: Call, exchange: Exchange): NodeJS.Timeout {
    const seconds = server.timeLimitMs / 1000
    const late = new McpFault('timed_out', 504, codes.timeout, `The MCP server ${server.name} did not answer within ${seconds} seconds.`)
    return setTimeout(() => exchange.abort(late), server.timeLimitMs)
  }

  /** A session that has stopped keeps no stream. */
  private watchToken({ request }: Call, exchange: Exchange): NodeJS.Timeout {
    return setInterval(() => {
      this.admit(request).catch((error: unknown) => {
        const { status } = asHelixError(error)
        if (status < 500) exchange.abort(new McpFault('failed', status, codes.failed, 'The session has stopped or was started again.'))
      })
    }, lookEveryMs)
  }

  private endWithProcess(exchange: Exchange, response: ServerResponse): void {
    const { signal } = this.parts.streams
    const end = (): void => exchange.abort(failed('The control plane is restarted: connect again.'))
    if (signal.aborted) end()
    signal.addEventListener('abort', end, { once: true })
    response.once('close', () => signal.removeEventListener('abort', end))
  }

  /** Requests that wait get a JSON-RPC error each; where none waits, HTTP says it. */
  private answer(call: Call, why: McpFault): void {
    const { response, messages } = call
    const errors = call.errors(why)
    call.endAs(why.outcome)
    if (response.destroyed) return
    if (response.headersSent) {
      for (const error of errors) response.write(`event: message\ndata: ${JSON.stringify(error)}\n\n`)
      return
    }
    if (!call.request.complete) response.setHeader('connection', 'close')
    const { code, message } = why
    const body = errors.length === 0 ? errorMessage(null, { code, message }) : messages?.batch ? errors : errors[0]
    response.writeHead(errors.length === 0 ? why.status : 200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.write(JSON.stringify(body))
    discard(call.request)
  }

  private async keep(call: Call, { scope }: Caller): Promise<void> {
    try {
      await insertCalls(this.parts.db, scope, call.rows())
    } catch (error) {
      this.parts.log.error({ err: error, server: call.server.name }, 'a call of an MCP server is not in the list of calls')
    }
  }

  /** Of who may not come in, and what nobody expected. */
  private refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    const known = asHelixError(error)
    if (known.status >= 500) this.parts.log.error({ err: error }, 'a call of an MCP server failed')
    if (response.headersSent) return void response.destroy()
    if (!request.complete) response.setHeader('connection', 'close')
    response.statusCode = known.status
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(errorMessage(null, { code: codes.failed, message: `${known.message} (${known.code})` })))
    discard(request)
  }
}

/** What went wrong, as the agent is told: words of the connection’s own errors may hold addresses, and stay here. */
function fault(error: unknown, { server }: Call): McpFault {
  if (error instanceof McpFault) return error
  if (error === left) return new McpFault('left', 499, codes.failed, 'The agent left.')
  if (error instanceof HelixError)
    return new McpFault(error.code === 'too_large' ? 'too_large' : 'failed', error.status, codes.failed, error.message)
  return failed(`The MCP server ${server.name} cannot be reached, or ended its answer half way.`)
}
