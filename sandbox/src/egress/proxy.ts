import { lookup } from 'node:dns/promises'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SessionId } from '@helix/contract/ids'
import { allowed } from './domains.ts'

/** Units: milliseconds. */
const dialMs = 15_000
const idleMs = 300_000
/** Connections of one session at once. */
const most = 256

export interface ProxyInput {
  /** Whose the other end is, and where it may go; null: nobody's, and it is told nothing. */
  clientOf(address: string): { sessionId: SessionId; domains: readonly string[] } | null
  /** Whether sessions may be led to an address. */
  reachable(address: string): boolean
  refused(sessionId: SessionId, host: string, port: number): void
  resolve?(host: string): Promise<string[]>
}

interface Client {
  sessionId: SessionId
  domains: readonly string[]
}

const resolveAll = async (host: string): Promise<string[]> => (await lookup(host, { all: true, family: 4 })).map(({ address }) => address)

/**
 * Leads sessions to the domains on their list: CONNECT (RFC 9110) for TLS, and whole http URLs. The name is resolved here, once, and the connection made to that
 * address: an answer that changes afterwards changes nothing. What it does not look into is TLS: the list is of hosts, not of what is said to them.
 */
export class EgressProxy implements AsyncDisposable {
  private readonly input: ProxyInput
  private readonly server: Server
  private readonly open = new Map<SessionId, number>()

  constructor(input: ProxyInput) {
    this.input = input
    this.server = createServer((incoming, outgoing) => void this.forward(incoming, outgoing))
    this.server.on(
      'connect',
      (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void this.tunnel(incoming, socket as Socket, head),
    )
    this.server.on('clientError', (_, socket) => socket.destroy())
    this.server.requestTimeout = 0
  }

  /** Port 0: any. Answers with the one it got. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, () => resolve())
    })
    return (this.server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async tunnel(incoming: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    const [host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(incoming.url ?? '')?.slice(1) ?? []
    const way = await this.wayTo(socket, host, Number(port))
    if (typeof way === 'string')
      return void socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${way}\n`)
    const target = connect({ host: way.address, port: Number(port), timeout: dialMs })
    const end = this.hold(way.client.sessionId)
    target.once('connect', () => {
      target.setTimeout(idleMs)
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      if (head.length > 0) target.write(head)
      socket.pipe(target).pipe(socket)
    })
    target.on('timeout', () => target.destroy())
    target.on('error', () => {
      if (target.connecting || target.pending) socket.end('HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n')
      else socket.destroy()
    })
    target.once('close', () => {
      end()
      socket.destroy()
    })
    socket.once('close', () => target.destroy())
  }

  private async forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : null
    const port = Number(url?.port || 80)
    const way =
      url?.protocol === 'http:' ? await this.wayTo(incoming.socket, url.hostname, port) : 'A proxy takes whole http URLs, and CONNECT.'
    if (typeof way === 'string' || url === null) return void outgoing.writeHead(403, { 'content-type': 'text/plain' }).end(`${way}\n`)
    const end = this.hold(way.client.sessionId)
    const headers = { ...incoming.headers, host: url.host }
    for (const name of ['proxy-connection', 'proxy-authorization', 'connection']) delete (headers as Record<string, unknown>)[name]
    const path = `${url.pathname}${url.search}`
    const asked = request({ host: way.address, port, method: incoming.method ?? 'GET', path, headers, timeout: idleMs, setHost: false })
    asked.once('response', (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    asked.once('timeout', () => asked.destroy())
    asked.once('error', () => (outgoing.headersSent ? outgoing.destroy() : outgoing.writeHead(502).end()))
    asked.once('close', end)
    outgoing.once('close', () => asked.destroy())
    incoming.pipe(asked)
  }

  /** The one address that the connection is made to, or why there is none. */
  private async wayTo(socket: Socket, host: string, port: number): Promise<{ address: string; client: Client } | string> {
    const client = this.input.clientOf((socket.remoteAddress ?? '').replace(/^::ffff:/, ''))
    if (client === null) return 'Not for you.'
    if ((this.open.get(client.sessionId) ?? 0) >= most) return `This session has ${most} connections open.`
    const refuse = (reason: string): string => {
      this.input.refused(client.sessionId, host, port)
      return reason
    }
    if (isIP(host) !== 0) return refuse('Addresses are not on the list of this project: ask for a name.')
    if (!allowed(client.domains, host, port)) return refuse(`${host}:${port} is not on the list of this project.`)
    try {
      const addresses = await (this.input.resolve ?? resolveAll)(host)
      const address = addresses.find((one) => this.input.reachable(one))
      return address === undefined ? refuse(`${host} leads to an address that sessions may not reach.`) : { address, client }
    } catch {
      return `${host} has no address.`
    }
  }

  private hold(sessionId: SessionId): () => void {
    this.open.set(sessionId, (this.open.get(sessionId) ?? 0) + 1)
    let held = true
    return () => {
      if (held) this.open.set(sessionId, (this.open.get(sessionId) ?? 1) - 1)
      held = false
    }
  }
}
