import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SessionId } from '@helix/contract/ids'
import type { HostDown, HostUp } from '@helix/contract/link'
import { supervisorPort } from '@helix/contract/link'
import type { Logger } from 'pino'
import { createWebSocketStream, WebSocket } from 'ws'
import { reasonOf } from '../reason.ts'
import type { Registry } from '../sessions/registry.ts'

/** Units: milliseconds. The control plane waits five seconds for all of it. */
const comingMs = 4000
const connectMs = 3000
const handshakeMs = 4000
const pingEveryMs = 15_000
/** Open at once; each costs two descriptors. */
const mostTunnels = 1000

export type Dial = Extract<HostDown, { type: 'dial' }>

export interface TunnelsInput {
  url: string
  token(): string
  hostId: string
  registry: Registry
  log: Logger
  send(frame: HostUp): boolean
  /** Takes a connection to this host’s own stream server. */
  carryStream(bytes: Duplex): void
}

/** Connections that the control plane asks for into sessions of this host, each carried by a WebSocket that this host dials. */
export class Tunnels {
  private readonly input: TunnelsInput
  private readonly open = new Map<Socket, SessionId>()
  private streams = 0

  constructor(input: TunnelsInput) {
    this.input = input
  }

  dial(frame: Dial): void {
    this.connect(frame).catch((error: unknown) => {
      const reason = reasonOf(error).slice(0, 500)
      this.input.log.debug({ sessionId: frame.sessionId, reason }, 'a tunnel was not opened')
      this.input.send({ type: 'dialRefused', tunnelId: frame.tunnelId, reason })
    })
  }

  /** Into this host's own stream server, for a viewer that does not reach it. */
  dialStream(tunnelId: string): void {
    if (this.streams >= mostTunnels) {
      this.input.send({ type: 'dialRefused', tunnelId, reason: `${mostTunnels} viewers come through the control plane to this host.` })
      return
    }
    this.streams += 1
    const tunnel = this.tunnelOf(tunnelId)
    tunnel.once('close', () => {
      this.streams -= 1
    })
    // Nobody waits for the tunnel in vain: the control plane gives up by itself.
    tunnel.on('error', (error) => this.input.log.debug({ reason: reasonOf(error) }, 'a tunnel for a viewer was not opened'))
    tunnel.once('open', () => this.input.carryStream(streamOf(tunnel)))
  }

  /** Somebody is connected to the session's machine. */
  attended(sessionId: SessionId): boolean {
    return [...this.open.values()].includes(sessionId)
  }

  closeAll(): void {
    for (const socket of this.open.keys()) socket.destroy()
  }

  private async connect({ tunnelId, sessionId, epoch, port }: Dial): Promise<void> {
    const session = await this.input.registry.coming(sessionId, epoch, comingMs)
    if (session === undefined || session.over !== null) throw new Error('The session does not run on this host.')
    if (session.epoch !== epoch) throw new Error(`The session runs here with epoch ${session.epoch}.`)
    // Engines in a virtual machine publish this port only, and behind it the supervisor leads to all others.
    if (port !== supervisorPort) throw new Error(`Only port ${supervisorPort} of a session is reached from outside.`)
    if (this.open.size >= mostTunnels) throw new Error(`${mostTunnels} connections into sessions of this host are open.`)
    const socket = await this.connectTo(session.address)
    this.open.set(socket, sessionId)
    socket.once('close', () => this.open.delete(socket))
    try {
      await this.carry(socket, tunnelId)
    } catch (error) {
      socket.destroy()
      throw error
    }
    // The start is over: its connections must not reach the next one under the same address.
    void session.gone.then(() => socket.destroy())
  }

  private connectTo(address: string): Promise<Socket> {
    const [host = '', port = ''] = address.split(':')
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port: Number(port), noDelay: true, timeout: connectMs })
      socket.once('timeout', () => socket.destroy(new Error('The session’s machine does not answer.')))
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.setTimeout(0)
        socket.off('error', reject)
        // Its end is told by `close`.
        socket.on('error', () => undefined)
        resolve(socket)
      })
    })
  }

  private carry(socket: Socket, tunnelId: string): Promise<void> {
    const tunnel = this.tunnelOf(tunnelId)
    return new Promise((resolve, reject) => {
      tunnel.once('error', reject)
      tunnel.once('open', () => {
        const bytes = streamOf(tunnel)
        bytes.on('error', () => socket.destroy())
        tunnel.on('close', () => socket.destroy())
        // What was written last is on its way before the tunnel closes.
        socket.on('close', () => bytes.end())
        socket.pipe(bytes)
        bytes.pipe(socket)
        resolve()
      })
    })
  }

  private tunnelOf(tunnelId: string): WebSocket {
    const { url, token, hostId } = this.input
    const address = `${url.replace(/^http/, 'ws')}/internal/v1/hosts/tunnels/${tunnelId}?host=${hostId}`
    const headers = { authorization: `Bearer ${token()}` }
    return new WebSocket(address, { headers, perMessageDeflate: false, handshakeTimeout: handshakeMs })
  }
}

/** The bytes that a tunnel carries, for as long as the other side answers. */
function streamOf(tunnel: WebSocket): Duplex {
  const bytes = createWebSocketStream(tunnel)
  const pings = setInterval(() => tunnel.ping(), pingEveryMs)
  tunnel.on('close', () => clearInterval(pings))
  bytes.on('error', () => tunnel.terminate())
  return bytes
}
