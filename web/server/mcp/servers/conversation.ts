import { collect, pipePlain } from '../../gateway/upstream/decoded.ts'
import type { Exchange, Head } from '../../gateway/upstream/exchange.ts'
import { dataOf, EventCutter } from '../proxy/events.ts'
import type { Upstream } from '../proxy/upstream.ts'
import type { OpenServer } from './store.ts'

type Fields = Record<string, unknown>

/** Newest first that this process speaks; the server may choose an older one. */
const version = '2025-06-18'
/** Units: bytes of one answer. */
const largest = 4 * 1024 ** 2

/** What a server answers is none of the protocol; for people, with the way out. */
export class NotUnderstood extends Error {
  readonly fix: string

  constructor(message: string, fix: string) {
    super(message)
    this.fix = fix
  }
}

const isAnswer = (value: unknown, id: number): value is Fields => typeof value === 'object' && value !== null && (value as Fields).id === id

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** The client’s side of the protocol, as much of it as asking for tools needs. */
export class Conversation {
  private readonly upstream: Upstream
  private readonly server: OpenServer
  private readonly until: number
  private headers: Record<string, string> = {}
  private asked = 0

  constructor(upstream: Upstream, server: OpenServer, limitMs: number) {
    this.upstream = upstream
    this.server = server
    this.until = performance.now() + limitMs
  }

  async initialize(): Promise<Fields> {
    const clientInfo = { name: 'helix', version: '1' }
    const result = await this.ask('initialize', { protocolVersion: version, capabilities: {}, clientInfo })
    const spoken = result.protocolVersion
    if (typeof spoken === 'string') this.headers['mcp-protocol-version'] = spoken
    await this.send({ jsonrpc: '2.0', method: 'notifications/initialized' }, async () => null)
    return result
  }

  async ask(method: string, params: Fields): Promise<Fields> {
    const id = ++this.asked
    const { name } = this.server
    const answer = await this.send({ jsonrpc: '2.0', id, method, params }, (exchange, head) => answerOf(exchange, head, id))
    if (answer === null)
      throw new NotUnderstood(`${name} does not answer ${method} as the protocol says.`, 'Is this the address of its streamable HTTP?')
    if (answer.error !== undefined) {
      const { message } = answer.error as { message?: unknown }
      throw new NotUnderstood(`${name} answers ${method} with an error: ${String(message).slice(0, 300)}`, 'Look at what the server needs.')
    }
    return (answer.result ?? {}) as Fields
  }

  /** Tells the server that nobody comes back. */
  async end(): Promise<void> {
    if (this.headers['mcp-session-id'] === undefined) return
    const exchange = this.upstream.ask(this.server, { method: 'DELETE', body: null, headers: this.headers })
    await this.inTime(exchange, exchange.head).catch(() => undefined)
    exchange.abort(new Error('done'))
  }

  private async send<T>(message: Fields, read: (exchange: Exchange, head: Head) => Promise<T>): Promise<T> {
    const headers = { accept: 'application/json, text/event-stream', ...this.headers }
    const exchange = this.upstream.ask(this.server, { method: 'POST', body: Buffer.from(JSON.stringify(message)), headers })
    try {
      return await this.inTime(exchange, this.take(exchange, read))
    } finally {
      exchange.abort(new Error('done'))
    }
  }

  private async take<T>(exchange: Exchange, read: (exchange: Exchange, head: Head) => Promise<T>): Promise<T> {
    const head = await exchange.head
    const { name } = this.server
    const { status, headers } = head
    if (status === 401 || status === 403)
      throw new NotUnderstood(`${name} refuses the credentials (${status}).`, 'Look at the headers and their secrets.')
    if (status >= 300 && status < 400)
      throw new NotUnderstood(`${name} redirects elsewhere (${status}).`, 'Use the last address as its own.')
    if (status >= 400) throw new NotUnderstood(`${name} answers with status ${status}.`, 'Is this the address of its streamable HTTP?')
    const session = headers['mcp-session-id']
    if (typeof session === 'string') this.headers['mcp-session-id'] = session
    return read(exchange, head)
  }

  private inTime<T>(exchange: Exchange, work: Promise<T>): Promise<T> {
    const late = new NotUnderstood(`${this.server.name} does not answer in time.`, 'Look whether it runs, and at its address.')
    const timer = setTimeout(() => exchange.abort(late), Math.max(0, this.until - performance.now()))
    return work.finally(() => clearTimeout(timer))
  }
}

/** Null: there is no such answer. */
async function answerOf(exchange: Exchange, { headers }: Head, id: number): Promise<Fields | null> {
  const type = String(headers['content-type'] ?? '')
  const encoding = String(headers['content-encoding'] ?? '')
  if (!type.startsWith('text/event-stream')) {
    const value = parsed((await collect(exchange, encoding, largest)).toString('utf8'))
    return isAnswer(value, id) ? value : null
  }
  const cutter = new EventCutter()
  const found = new Error('found')
  let answer: Fields | null = null
  const write = (chunk: Buffer): boolean => {
    for (const event of cutter.push(chunk)) {
      const value = parsed(dataOf(event) ?? '')
      if (isAnswer(value, id)) answer = value
    }
    if (answer !== null) exchange.abort(found)
    else if (cutter.waiting > largest) exchange.abort(new Error('more than 4 MiB'))
    return true
  }
  await pipePlain(exchange, encoding, { write, onDrain: () => undefined }).catch((error: unknown) => {
    if (error !== found) throw error
  })
  return answer
}
