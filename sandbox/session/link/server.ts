import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { peekPath } from '@helix/contract/desktop-link'
import { type SupervisorDown, type SupervisorUp, supervisorDown } from '@helix/contract/link'
import { desktopPath } from '@helix/contract/stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Log, reasonOf } from '../log.ts'
import { keepPinging } from './pings.ts'

/** Units: bytes. A prompt has at most 200,000 characters, each up to six bytes of JSON. */
const longestFrame = 2 * 1024 * 1024

/** One connection of the host. */
export interface Connection {
  readonly open: boolean
  /** Resolves when the frame is handed to the network; false when the connection is gone. */
  send(frame: SupervisorUp): Promise<boolean>
}

export interface LinkHandler {
  /** A host connected; whatever connected before is closed. */
  connected(connection: Connection): void
  received(frame: SupervisorDown): void
}

export interface LinkServer extends AsyncDisposable {
  readonly port: number
}

/** What else is asked at the supervisor's port, by whoever shows the machine's token. */
export interface MachineHandler {
  request(request: IncomingMessage, response: ServerResponse): Promise<void>
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
}

/** The desktop, for whoever shows the link's secret. */
export interface DesktopHandler {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
  /** At `peekPath`. */
  peek(request: IncomingMessage, response: ServerResponse): Promise<void>
}

export interface LinkInput {
  port: number
  /** One that listens at the port already; null: it is made. */
  server: Server | null
  secret: string
  log: Log
  handler: LinkHandler
  machine: MachineHandler
  desktop: DesktopHandler
  /** Empty: nobody may use the machine. */
  machineToken: string
}

/** The WebSocket server that the host dials: one connection at a time, the newest one. Beside it the machine is used. */
export async function listen(input: LinkInput): Promise<LinkServer> {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: longestFrame, perMessageDeflate: false })
  let current: WebSocket | undefined
  const mayUse = (request: IncomingMessage): boolean => input.machineToken !== '' && shows(request, input.machineToken)
  const server = input.server ?? createServer({ requestTimeout: 0 })
  for (const event of ['request', 'upgrade']) server.removeAllListeners(event)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (mayUse(request)) void input.machine.request(request, response)
    else if (request.url?.startsWith(peekPath) && shows(request, input.secret))
      void input.desktop.peek(request, response).catch(() => response.destroy())
    else response.writeHead(404).end()
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', (error) => input.log.warn('link socket failed', { reason: reasonOf(error) }))
    const pathname = new URL(request.url ?? '/', 'http://link').pathname
    if (pathname !== '/link' && pathname !== desktopPath && mayUse(request)) {
      void input.machine.upgrade(request, socket, head).catch(() => socket.destroy())
      return
    }
    if ((pathname !== '/link' && pathname !== desktopPath) || !shows(request, input.secret)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
      return
    }
    if (pathname === desktopPath) {
      void input.desktop.upgrade(request, socket, head).catch((error) => {
        input.log.warn('the desktop cannot be reached', { reason: reasonOf(error) })
        socket.destroy()
      })
      return
    }
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      current?.close(4000, 'replaced by a newer connection')
      current = accepted
      attend(accepted, () => accepted === current, input)
    })
  })
  if (!server.listening)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(input.port, () => resolve())
    })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      current?.close(1001, 'the supervisor ends')
      await new Promise<void>((resolve) => {
        server.close(() => resolve())
        setTimeout(() => server.closeAllConnections(), 200).unref()
        setTimeout(() => current?.terminate(), 200).unref()
      })
    },
  }
}

/** Compares digests, so that neither the length nor the first difference shows in the time it takes. */
export function shows(request: IncomingMessage, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(request.headers.authorization ?? ''), digest(`Bearer ${secret}`))
}

function attend(socket: WebSocket, isCurrent: () => boolean, { log, handler }: { log: Log; handler: LinkHandler }): void {
  keepPinging(socket)
  socket.on('error', (error) => log.warn('link failed', { reason: reasonOf(error) }))
  socket.on('message', (data, isBinary) => {
    if (!isCurrent()) return
    const frame = isBinary ? undefined : parseFrame(String(data))
    if (frame === undefined) log.warn('a frame of the host is not understood and left out')
    else handler.received(frame)
  })
  handler.connected({
    get open() {
      return isCurrent() && socket.readyState === socket.OPEN
    },
    send: (frame) => new Promise((resolve) => socket.send(JSON.stringify(frame), (error) => resolve(error == null))),
  })
}

function parseFrame(text: string): SupervisorDown | undefined {
  try {
    const parsed = supervisorDown.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
