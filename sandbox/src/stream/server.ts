import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { type HostId, idSchema, type SessionId } from '@helix/contract/ids'
import { streamLimits, streamPath, streamProtocol, ticketAmong } from '@helix/contract/stream'
import type { StreamAddress } from '@helix/contract/stream-tickets'
import type { Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { reasonOf } from '../reason.ts'
import { Admission } from './admission.ts'
import { refuseSocket } from './refusal.ts'
import type { Streams } from './streams.ts'

/** Units: milliseconds. */
const pingEveryMs = 5000
const listenAgainMs = 5000
const headMs = 10_000
/** Open at once, with those that are not viewers yet. */
const mostConnections = 2000

export interface StreamServerInput {
  hostId: HostId
  port: number
  listen: string
  publicUrl: string | null
  streams: Streams
  log: Logger
  /** Where it is reached is another than before. */
  changed(): void
}

/** Where browsers connect to see desktops: on a port of this host, and through the control plane’s link. */
export class StreamServer implements AsyncDisposable {
  private readonly input: StreamServerInput
  private readonly server: Server
  private readonly sockets = new WebSocketServer({
    noServer: true,
    maxPayload: streamLimits.upBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(streamProtocol) ? streamProtocol : false),
  })
  private readonly admission = new Admission()
  private readonly alive = new WeakSet<WebSocket>()
  private readonly carried = new WeakSet<Duplex>()
  private readonly pings: NodeJS.Timeout
  private retry: NodeJS.Timeout | null = null
  private ended = false
  /** Origins that pages with viewers come from; empty: not known. */
  pageOrigins: readonly string[] = []

  constructor(input: StreamServerInput) {
    this.input = input
    this.server = createServer({ headersTimeout: headMs, requestTimeout: headMs, keepAliveTimeout: 1000 }, (_, response) =>
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"error":{"code":"not_found","message":"Desktops are here, by WebSocket."}}'),
    )
    this.server.maxConnections = mostConnections
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head))
    this.server.on('clientError', (_, socket) => socket.destroy())
    this.pings = setInterval(() => this.ping(), pingEveryMs)
    this.pings.unref()
  }

  /** Absent port: it does not listen now, and viewers come through the control plane. */
  get address(): StreamAddress {
    const { port } = (this.server.address() as AddressInfo | null) ?? {}
    const { publicUrl } = this.input
    return { ...(port === undefined ? {} : { port }), ...(publicUrl === null || port === undefined ? {} : { url: publicUrl }) }
  }

  /** A connection that the control plane brings: its address is the one it tells. */
  carry(bytes: Duplex): void {
    this.carried.add(bytes)
    this.server.emit('connection', bytes)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ended = true
    clearInterval(this.pings)
    if (this.retry !== null) clearTimeout(this.retry)
    this.server.closeAllConnections()
    const closed = new Promise((resolve) => this.server.close(resolve))
    setTimeout(() => {
      for (const socket of this.sockets.clients) socket.terminate()
    }, 300).unref()
    if (this.server.listening) await closed
  }

  /** Resolves when it listens or cannot now: a port that is taken is waited for, since an earlier process of this host may still end. */
  listen(): Promise<void> {
    const { port, listen, log } = this.input
    return new Promise((resolve) => {
      const failed = (error: Error): void => {
        log.warn({ port, reason: reasonOf(error) }, 'desktops are reached through the control plane only, until this port is free')
        if (!this.ended) this.retry = setTimeout(() => void this.listen(), listenAgainMs)
        this.retry?.unref()
        resolve()
      }
      this.server.once('error', failed)
      this.server.listen(port, listen, () => {
        this.server.off('error', failed)
        this.input.changed()
        resolve()
      })
    })
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const relayed = this.carried.has(request.socket)
    if (!this.admission.admits(addressOf(request, relayed))) {
      refuseSocket(socket, 429)
      return
    }
    const url = URL.parse(request.url ?? '', 'http://x')
    const sessionId = this.sessionOf(url?.pathname ?? '')
    if (sessionId === null || url === null) {
      refuseSocket(socket, 404)
      return
    }
    if (!this.mayCome(request)) {
      refuseSocket(socket, 403)
      return
    }
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    const ticket = ticketAmong(offered) ?? url.searchParams.get('ticket') ?? ''
    this.sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.alive.add(accepted)
      accepted.on('pong', () => this.alive.add(accepted))
      this.input.streams.enter(accepted, ticket, sessionId, relayed)
    })
  }

  private sessionOf(path: string): SessionId | null {
    const sessionId = idSchema('session').safeParse(path.split('/')[4])
    return sessionId.success && path === streamPath(this.input.hostId, sessionId.data) ? sessionId.data : null
  }

  /** The ticket decides; a page of somebody else is turned away before, where our own are known. Clients that are no browsers tell no origin. */
  private mayCome({ headers }: IncomingMessage): boolean {
    return headers.origin === undefined || this.pageOrigins.length === 0 || this.pageOrigins.includes(headers.origin)
  }

  private ping(): void {
    for (const socket of this.sockets.clients) {
      if (!this.alive.delete(socket)) socket.terminate()
      else socket.ping()
    }
  }
}

function addressOf({ socket, headers }: IncomingMessage, relayed: boolean): string {
  const told = headers['x-helix-client']
  return relayed ? `relayed ${typeof told === 'string' ? told : ''}` : (socket.remoteAddress ?? '')
}
