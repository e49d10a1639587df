import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { claimSession, recordStart } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { HostDown, HostUp } from '@helix/contract/link'
import { createWebSocketStream, WebSocket, WebSocketServer } from 'ws'
import { newId } from '../context.ts'
import { testTokens } from './context.ts'
import type { TestServer } from './server.ts'

/** What a stand-in for a supervisor was asked. */
export interface AskedMachine {
  method: string
  url: string
  body: string
  token: string
}

/** Answers `/echo/...` upgrades by echoing, `/connect/<port>` by a small web server, and everything else by `answer`. */
export class FakeMachine implements AsyncDisposable {
  readonly asked: AskedMachine[] = []
  /** Null: never. */
  answer: (asked: AskedMachine) => { status: number; body: unknown } | null = () => ({ status: 200, body: {} })
  /** What listens in the session. */
  application: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => void response.end('hello')
  readonly ports = new Set([3000])
  private readonly inside = createServer((request, response) => this.application(request, response))
  private readonly sockets = new WebSocketServer({ noServer: true })
  readonly server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const asked = this.note(request, String(Buffer.concat(chunks)))
    const answer = this.answer(asked)
    if (answer !== null) response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  })

  static async open(): Promise<FakeMachine> {
    const machine = new FakeMachine()
    machine.server.on('upgrade', (request, socket, head) => {
      machine.note(request, '')
      const port = /^\/connect\/(\d+)$/.exec(request.url ?? '')?.[1]
      if (port === undefined)
        return machine.sockets.handleUpgrade(request, socket, head, (accepted) =>
          accepted.on('message', (data, binary) => accepted.send(data, { binary })),
        )
      if (!machine.ports.has(Number(port))) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
      const inner = connect((machine.inside.address() as AddressInfo).port, '127.0.0.1')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: helix-tcp\r\nconnection: Upgrade\r\n\r\n')
      inner.on('error', () => socket.destroy())
      socket.on('error', () => inner.destroy())
      socket.pipe(inner).pipe(socket)
    })
    machine.inside.on('upgrade', (request, socket, head) =>
      machine.sockets.handleUpgrade(request, socket, head, (accepted) => accepted.on('message', (data) => accepted.send(`app:${data}`))),
    )
    for (const server of [machine.server, machine.inside]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return machine
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  private note({ method = '', url = '', headers }: IncomingMessage, body: string): AskedMachine {
    const asked = { method, url, body, token: headers.authorization?.replace('Bearer ', '') ?? '' }
    this.asked.push(asked)
    return asked
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.sockets.clients) client.terminate()
    for (const server of [this.server, this.inside]) {
      server.closeAllConnections()
      server.close()
    }
  }
}

/** A sandbox host that answers dials with connections to a stand-in machine. */
export class MachineHost implements Disposable {
  readonly hostId: HostId = newId('host')
  readonly dials: Extract<HostDown, { type: 'dial' | 'dialStream' }>[] = []
  readonly unseated: Extract<HostDown, { type: 'unseat' }>[] = []
  /** What it was told when it was let in. */
  welcome: Extract<HostDown, { type: 'welcome' }> | null = null
  /** Sessions that it was told to begin. */
  readonly starts: Extract<HostDown, { type: 'start' }>[] = []
  /** How dials are answered; `silent`: as hosts before tunnels do. */
  manner: 'connect' | 'refuse' | 'silent' = 'connect'
  /** Where the tunnels of this host end up: a balancer chooses any replica. */
  tunnelsTo: string
  private readonly socket: WebSocket
  private readonly machine: FakeMachine

  private constructor(url: string, machine: FakeMachine) {
    this.machine = machine
    this.tunnelsTo = url
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/internal/v1/hosts/connect`, { headers: bearer })
  }

  static async join(url: string, machine: FakeMachine): Promise<MachineHost> {
    const host = new MachineHost(url, machine)
    await once(host.socket, 'open')
    const welcome = new Promise<void>((resolve) => {
      host.socket.on('message', (data) => {
        const frame = JSON.parse(String(data)) as HostDown
        if (frame.type === 'welcome') {
          host.welcome = frame
          resolve()
        }
        if (frame.type === 'dial' || frame.type === 'dialStream') host.dialled(frame)
        if (frame.type === 'unseat') host.unseated.push(frame)
        if (frame.type === 'start') host.starts.push(frame)
      })
    })
    host.send({ type: 'hello', hostId: host.hostId, name: 'here', bootId: 'boot', version: '1' })
    await welcome
    host.report()
    return host
  }

  report(more: Partial<Extract<HostUp, { type: 'report' }>> = {}): void {
    const rest = { running: 0, rung: 'userns', innerDocker: true, filtered: true, packs: [], freeDiskBytes: 1, problem: null }
    this.send({ type: 'report', capacity: 100, ...rest, ...more })
  }

  /** Claims the session and says that it runs; answers with the token of its machine. */
  async start(server: TestServer, sessionId: SessionId): Promise<string> {
    const params = { hostId: this.hostId, sessionId }
    for (;;) {
      const claim = await server.runner(claimSession, { params, body: { bootId: 'boot', epoch: 0 } })
      // Its first report may be on the way still.
      if (claim.outcome === 'refused') {
        await new Promise((resolve) => setTimeout(resolve, 50))
        continue
      }
      await server.runner(recordStart, { params, body: { epoch: claim.epoch, reason: 'first start', stages: [] } })
      return claim.spec.machineToken
    }
  }

  [Symbol.dispose](): void {
    this.socket.terminate()
  }

  private send(frame: HostUp): void {
    this.socket.send(JSON.stringify(frame))
  }

  private dialled(frame: Extract<HostDown, { type: 'dial' | 'dialStream' }>): void {
    this.dials.push(frame)
    const { tunnelId } = frame
    if (this.manner === 'silent') return
    if (this.manner === 'refuse') {
      this.send({ type: 'dialRefused', tunnelId, reason: 'The session does not run on this host.' })
      return
    }
    const url = `${this.tunnelsTo.replace('http', 'ws')}/internal/v1/hosts/tunnels/${tunnelId}?host=${this.hostId}`
    const tunnel = new WebSocket(url, { headers: bearer })
    tunnel.on('error', () => undefined)
    tunnel.on('open', () => {
      const bytes = createWebSocketStream(tunnel)
      const socket = connect(this.machine.port, '127.0.0.1')
      bytes.on('error', () => socket.destroy())
      socket.on('error', () => tunnel.terminate())
      socket.on('close', () => bytes.end())
      tunnel.on('close', () => socket.destroy())
      socket.pipe(bytes)
      bytes.pipe(socket)
    })
  }
}

const bearer = { authorization: `Bearer ${testTokens.runner}` }
