import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { HelixError } from '@helix/contract/errors'
import { execBody, machinePath, type Terminal, terminalBody, terminalId } from '@helix/contract/machine-use'
import { WebSocketServer } from 'ws'
import type { z } from 'zod'
import { type Log, reasonOf } from '../log.ts'
import type { Redactor } from '../redactor.ts'
import { answerError, answerJson, bodyOf, parsed } from './answer.ts'
import { Commands, type Place } from './exec.ts'
import { Files } from './files.ts'
import { pathInside } from './paths.ts'
import { connectTo, listPorts } from './ports.ts'
import type { WaitingPty } from './pty.ts'
import { Terminals } from './terminals.ts'

/** Units: bytes of one frame of typed input. */
const longestInput = 1024 * 1024

export interface MachineInput {
  place: Place
  workspace: string
  /** Where recordings lie. */
  recordings: string
  /** The supervisor's own. */
  port(): number
  /** For the first terminal; absent: none was started before. */
  pty?: WaitingPty | null
  redactor: Redactor
  log: Log
}

/** What people do in the session: commands, terminals, files, ports. Whoever asks has shown the machine's token. */
export class Machine {
  private readonly input: MachineInput
  private readonly commands: Commands
  private readonly files: Files
  private readonly terminals: Terminals
  private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: longestInput, perMessageDeflate: false })
  private readonly carried = new Set<Duplex>()

  constructor(input: MachineInput) {
    const { place, workspace, recordings, redactor, pty } = input
    this.input = input
    this.commands = new Commands(redactor)
    this.files = new Files(workspace, place.user)
    this.terminals = new Terminals(recordings, redactor, pty)
  }

  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.route(request, response)
    } catch (error) {
      if (!(error instanceof HelixError)) this.input.log.warn('a request of the machine failed', { reason: reasonOf(error) })
      answerError(response, error)
    }
  }

  /** `/terminals/<id>/attach` as a WebSocket; `/connect/<port>` as bytes. */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { pathname, searchParams } = urlOf(request)
    const [, what, id, action] = pathname.split('/')
    if (what === 'terminals' && action === 'attach' && terminalId.safeParse(id).success) {
      const after = /^\d{1,15}$/.test(searchParams.get('after') ?? '') ? Number(searchParams.get('after')) : null
      return this.sockets.handleUpgrade(request, socket, head, (accepted) => this.terminals.attach(id as string, accepted, after))
    }
    if (what === 'connect' && /^\d{1,5}$/.test(id ?? '')) return this.connect(Number(id), socket, head)
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n')
  }

  /** Also what HTTP does not count as its own any more: upgraded connections. */
  async closeAll(): Promise<void> {
    await this.terminals.closeAll()
    for (const socket of this.sockets.clients) socket.terminate()
    for (const socket of this.carried) socket.destroy()
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = urlOf(request)
    const asked = `${request.method} ${pathname}`
    const path = (): string => parsed(machinePath, searchParams.get('path') ?? '/workspace')
    if (asked === 'POST /exec') return this.exec(request, response)
    if (asked === 'GET /ports') return answerJson(response, { items: await listPorts(this.input.port()) })
    if (asked === 'GET /files') return answerJson(response, await this.files.list(path()))
    if (asked === 'GET /files/content') return this.files.read(path(), response)
    if (asked === 'PUT /files/content') return answerJson(response, await this.files.write(path(), request))
    if (asked === 'GET /terminals') return answerJson(response, { items: await this.terminals.list() })
    if (asked === 'POST /terminals') return answerJson(response, await this.openTerminal(await bodyOf(request, terminalBody)))
    const [, what, id, action] = pathname.split('/')
    if (what !== 'terminals' || !terminalId.safeParse(id).success) throw new HelixError('not_found')
    if (request.method === 'GET' && action === 'recording') return this.terminals.sendRecording(id as string, response)
    if (request.method !== 'DELETE' || action !== undefined) throw new HelixError('not_found')
    await this.terminals.close(id as string)
    answerJson(response, {})
  }

  private async openTerminal(wanted: z.output<typeof terminalBody>): Promise<Terminal> {
    const { workspace, place: usual } = this.input
    const place = await this.place()
    const elsewhere = place.cwd === workspace && usual.cwd !== workspace
    return this.terminals.open(place, wanted, elsewhere ? `${usual.cwd} is not there yet: this shell begins in ${workspace}.` : null)
  }

  private async exec(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request, execBody)
    const place = await this.place(body.cwd)
    // Whoever asked is gone: nobody waits for the end.
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
    })
    answerJson(response, await this.commands.run(place, body, gone.signal))
  }

  /** The folder asked for; else the one of the agent, once it is there. */
  private async place(cwd?: string): Promise<Place> {
    const { place, workspace } = this.input
    if (cwd !== undefined) return { ...place, cwd: await pathInside(workspace, cwd, false) }
    const there = await pathInside(workspace, place.cwd, false).catch(() => workspace)
    return { ...place, cwd: there }
  }

  private async connect(port: number, socket: Duplex, head: Buffer): Promise<void> {
    const refuse = (status: string): void => void socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
    if (port === this.input.port() || port === 0 || port > 65_535) return refuse('403 Forbidden')
    const server = await connectTo(port).catch(() => null)
    if (server === null) return refuse('502 Bad Gateway')
    this.carried.add(socket)
    const end = (): void => {
      this.carried.delete(socket)
      server.destroy()
      socket.destroy()
    }
    server.on('error', end)
    server.on('close', end)
    socket.on('error', end)
    socket.on('close', end)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: helix-tcp\r\nConnection: Upgrade\r\n\r\n')
    if (head.length > 0) server.write(head)
    socket.pipe(server)
    server.pipe(socket)
  }
}

const urlOf = (request: IncomingMessage): URL => new URL(request.url ?? '/', 'http://machine')
