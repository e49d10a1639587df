import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { reasonOf } from '../reason.ts'
import type { Backoff } from './backoff.ts'

/** Units: milliseconds. Whoever answers no ping for two of these is gone, whatever TCP says. */
const pingEveryMs = 4000
const handshakeMs = 5000

export interface DialOptions {
  url: string
  token(): string
  /** Before each attempt; what it rejects with is told as lost. */
  prepare?: () => Promise<void>
  /** Units: bytes of one frame from the other side. */
  longestFrame: number
  backoff: Backoff
  opened(): void
  received(text: string): void
  /** Binary messages; absent: they are left out. */
  receivedBytes?(bytes: Buffer): void
  /** Called once for each connection that ended and each attempt that failed. `status`: the HTTP answer to the attempt, if there was one. */
  lost(reason: string, status: number | null): void
}

/** Keeps one WebSocket open: dials until it is closed for good. */
export class Dialler {
  private readonly options: DialOptions
  private socket: WebSocket | null = null
  private timer: NodeJS.Timeout | null = null
  private closed = false

  constructor(options: DialOptions) {
    this.options = options
    this.dial()
  }

  get open(): boolean {
    return this.socket?.readyState === WebSocket.OPEN
  }

  /** Units: bytes handed over and not yet taken by the network. */
  get waitingBytes(): number {
    return this.socket?.bufferedAmount ?? 0
  }

  /** False when there is no connection now. */
  send(frame: object): boolean {
    if (!this.open) return false
    this.socket?.send(JSON.stringify(frame))
    return true
  }

  /** False when there is no connection now. */
  sendBytes(bytes: Uint8Array): boolean {
    if (!this.open) return false
    this.socket?.send(bytes)
    return true
  }

  /** Ends the present connection; a new one is dialled at once. */
  redial(): void {
    this.options.backoff.reset()
    this.socket?.terminate()
  }

  close(): void {
    this.closed = true
    if (this.timer !== null) clearTimeout(this.timer)
    this.socket?.close(1001)
    // A peer that does not answer the close keeps nobody waiting.
    const socket = this.socket
    setTimeout(() => socket?.terminate(), 500).unref()
  }

  private dial(): void {
    const { prepare } = this.options
    if (prepare === undefined) this.connect()
    else
      prepare().then(
        () => {
          if (!this.closed) this.connect()
        },
        (error: unknown) => this.ended(reasonOf(error), null),
      )
  }

  private connect(): void {
    const { url, token, longestFrame } = this.options
    const headers = { authorization: `Bearer ${token()}` }
    const socket = new WebSocket(url, { headers, maxPayload: longestFrame, perMessageDeflate: false, handshakeTimeout: handshakeMs })
    this.socket = socket
    let reason = 'closed'
    let status: number | null = null
    let pings: NodeJS.Timeout | undefined
    socket.on('open', () => {
      pings = keepAlive(socket)
      this.options.opened()
    })
    socket.on('message', (data, isBinary) => {
      if (socket !== this.socket) return
      if (isBinary) this.options.receivedBytes?.(data as Buffer)
      else this.options.received(String(data))
    })
    socket.on('unexpected-response', (_, response) => {
      status = response.statusCode ?? null
      reason = `HTTP ${status}`
      // With a listener for this event the client leaves its own end to it.
      sentenceOf(response).then(
        (sentence) => {
          reason = sentence ?? reason
          socket.terminate()
        },
        () => socket.terminate(),
      )
    })
    socket.on('error', (error) => {
      if (status === null) reason = reasonOf(error)
    })
    socket.on('close', (code, text) => {
      clearInterval(pings)
      this.ended(text.length > 0 ? `closed: ${text}` : code === 1006 ? reason : `closed (${code})`, status)
    })
  }

  private ended(reason: string, status: number | null): void {
    this.options.lost(reason, status)
    if (this.closed) return
    this.timer = setTimeout(() => this.dial(), this.options.backoff.next())
  }
}

function keepAlive(socket: WebSocket): NodeJS.Timeout {
  let answered = true
  socket.on('pong', () => {
    answered = true
  })
  return setInterval(() => {
    if (!answered) return socket.terminate()
    answered = false
    socket.ping()
  }, pingEveryMs)
}

/** Units: characters. */
const longestRefusal = 4000

/** What a refusal says: in plain text, or in the shape of every error of Helix; null: nothing. */
async function sentenceOf(response: IncomingMessage): Promise<string | null> {
  let text = ''
  for await (const chunk of response) {
    text += String(chunk)
    if (text.length > longestRefusal) return null
  }
  const plain = response.headers['content-type']?.startsWith('text/plain') === true
  if (plain) return text.trim() === '' ? null : text.trim().slice(0, 500)
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    return typeof error?.message === 'string' ? error.message.slice(0, 500) : null
  } catch {
    // Not JSON: others answer in other words.
    return null
  }
}
