import type { Call } from '@helix/contract/client'
import { createPlaygroundKey } from '@helix/contract/usage'
import { Events, type Piece, pieceOf } from './read.ts'
import { bodyOf, type Dialect, paths, type Turn } from './request.ts'

/** Units: milliseconds. A key is renewed before it ends. */
const marginMs = 60_000
/** Units: UTF-16 units of the raw answer that are kept to be looked at. */
const mostRaw = 200_000

export interface Question {
  dialect: Dialect
  model: string
  system: string
  maxTokens: number
}

/** One conversation with a model, as the page shows it. */
export class Run {
  turns = $state<Turn[]>([])
  thinking = $state('')
  running = $state(false)
  failure = $state<string | null>(null)
  stopped = $state(false)
  request = $state('')
  raw = $state('')
  counts = $state<{ input: number | null; output: number | null; cached: number | null }>({ input: null, output: null, cached: null })
  firstMs = $state<number | null>(null)
  allMs = $state<number | null>(null)
  requestId = $state<string | null>(null)
  private key: { secret: string; expiresAt: string } | null = null
  private leave = new AbortController()
  private readonly call: Call

  constructor(call: Call) {
    this.call = call
  }

  async send(question: Question, text: string): Promise<void> {
    if (this.running || text.trim() === '') return
    this.begin(text.trim())
    const started = performance.now()
    try {
      const body = bodyOf(question.dialect, question.model, question.system, this.turns.slice(0, -1), question.maxTokens)
      this.request = JSON.stringify(body, null, 2)
      await this.stream(question.dialect, body, started)
    } catch (error) {
      if (!this.leave.signal.aborted) this.failure = error instanceof Error ? error.message : String(error)
    }
    this.allMs = Math.round(performance.now() - started)
    this.running = false
    // What was not answered at all is asked again as a whole.
    if (this.turns.at(-1)?.text === '') this.turns = this.turns.slice(0, -1)
  }

  stop(): void {
    this.stopped = true
    this.leave.abort()
  }

  clear(): void {
    this.stop()
    Object.assign(this, {
      turns: [],
      thinking: '',
      failure: null,
      stopped: false,
      request: '',
      raw: '',
      firstMs: null,
      allMs: null,
      requestId: null,
    })
  }

  private begin(text: string): void {
    this.leave = new AbortController()
    Object.assign(this, {
      running: true,
      failure: null,
      stopped: false,
      thinking: '',
      raw: '',
      firstMs: null,
      allMs: null,
      requestId: null,
    })
    this.counts = { input: null, output: null, cached: null }
    const before = this.turns.at(-1)?.role === 'user' ? this.turns.slice(0, -1) : this.turns
    this.turns = [...before, { role: 'user', text }, { role: 'assistant', text: '' }]
  }

  private async secret(): Promise<string> {
    if (this.key === null || Date.parse(this.key.expiresAt) - Date.now() < marginMs) this.key = await this.call(createPlaygroundKey, {})
    return this.key.secret
  }

  private async stream(dialect: Dialect, body: object, started: number): Promise<void> {
    const headers = {
      authorization: `Bearer ${await this.secret()}`,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
    }
    // The gateway takes tokens, and refuses cookies.
    const asked = { method: 'POST', headers, body: JSON.stringify(body), credentials: 'omit' as const, signal: this.leave.signal }
    const response = await fetch(paths[dialect], asked)
    this.requestId = response.headers.get('x-request-id')
    if (!response.ok || response.body === null) {
      this.raw = await response.text()
      throw new Error(pieceOf(dialect, this.raw).error ?? `HTTP ${response.status}`)
    }
    const events = new Events()
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      if (this.raw.length < mostRaw) this.raw += read.value
      for (const data of events.push(read.value)) this.take(pieceOf(dialect, data), started)
    }
  }

  private take(piece: Piece, started: number): void {
    if (piece.error !== undefined) throw new Error(piece.error)
    const last = this.turns.at(-1)
    if (piece.text !== undefined && last !== undefined) last.text += piece.text
    if (piece.thinking !== undefined) this.thinking += piece.thinking
    if ((piece.text ?? piece.thinking) !== undefined) this.firstMs ??= Math.round(performance.now() - started)
    const { input, output, cached } = this.counts
    this.counts = { input: piece.input ?? input, output: piece.output ?? output, cached: piece.cached ?? cached }
  }
}
