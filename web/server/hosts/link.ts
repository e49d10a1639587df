import { oldestHostProtocol, protocolRefusal } from '@helix/contract/enrolment'
import type { HostId, SessionId } from '@helix/contract/ids'
import { type HostDown, type HostReport, type HostUp, hostUp } from '@helix/contract/link'
import type { RawData, WebSocket } from 'ws'
import { WebSocketServer } from 'ws'
import type { Context } from '../context.ts'
import { undelivered } from '../conversation/requests.ts'
import { pageOrigins } from '../desktop/addresses.ts'
import { lostSeats } from '../desktop/seats.ts'
import { PicturesOfHost } from '../pictures/of-host.ts'
import { roomChanged } from '../placement/room.ts'
import { PlacementStore } from '../placement/store.ts'
import { JournalAnnouncer } from '../sessions/announcer.ts'
import { SessionStore } from '../sessions/store.ts'
import type { UpgradeHandler } from '../sockets/router.ts'
import { type HostCaller, hostCaller, speaksFor } from './credentials/caller.ts'
import { HostCredentialStore } from './credentials/store.ts'
import { HostStore } from './store.ts'

/** Units: milliseconds. */
const pingMs = 10_000
const maxPayload = 1024 * 1024

/** One connected host. Frames are handled in order. */
class HostConnection {
  private hostId: HostId | null = null
  private work = Promise.resolve()
  private alive = true
  /** What of the last report decides who gets a place here. */
  private room = ''
  private unsubscribe: () => void = () => undefined
  private release: () => void = () => undefined
  private readonly socket: WebSocket
  private readonly caller: HostCaller
  private readonly credentials: HostCredentialStore
  private readonly context: Context
  private readonly hosts: HostStore
  private readonly sessions: SessionStore
  private readonly places: PlacementStore
  private readonly announcer: JournalAnnouncer
  private readonly connected: Map<HostId, HostConnection>
  private readonly pictures: PicturesOfHost

  constructor(
    socket: WebSocket,
    caller: HostCaller,
    context: Context,
    announcer: JournalAnnouncer,
    connected: Map<HostId, HostConnection>,
  ) {
    this.socket = socket
    this.caller = caller
    this.credentials = new HostCredentialStore(context.db)
    this.context = context
    this.announcer = announcer
    this.connected = connected
    this.hosts = new HostStore(context.db)
    this.sessions = new SessionStore(context.db)
    this.places = new PlacementStore(context.db)
    this.pictures = new PicturesOfHost(context, (frame) => this.send(frame))
    const timer = setInterval(() => this.ping(), pingMs)
    socket.on('message', (data, isBinary) => (isBinary ? this.pictures.received(data as Buffer) : this.receive(data)))
    socket.on('pong', () => {
      this.alive = true
    })
    socket.on('error', (error) => context.log.warn({ err: error }, 'host link failed'))
    socket.on('close', () => {
      clearInterval(timer)
      this.unsubscribe()
      this.release()
      this.pictures.end()
      if (this.hostId !== null && connected.get(this.hostId) === this) connected.delete(this.hostId)
    })
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason.slice(0, 120))
  }

  private ping(): void {
    if (this.alive) this.socket.ping()
    else this.socket.terminate()
    this.alive = false
  }

  private receive(data: RawData): void {
    this.work = this.work
      .then(() => this.handle(JSON.parse(String(data))))
      .catch((error) => {
        const nonsense = error instanceof SyntaxError || error?.name === 'ZodError'
        this.context.log.warn({ err: error, hostId: this.hostId }, 'host link frame not handled')
        // Not acknowledged: the host sends it again on its next connection.
        this.close(nonsense ? 1008 : 1011, nonsense ? 'not a frame of this protocol' : 'try again')
      })
  }

  private send(frame: HostDown): void {
    this.socket.send(JSON.stringify(frame))
  }

  private async handle(json: unknown): Promise<void> {
    const frame = hostUp.parse(json)
    if (frame.type === 'hello') return this.welcome(frame)
    if (this.hostId === null) return this.close(1008, 'hello comes first')
    if (frame.type === 'report') {
      if (!(await this.mayStay(this.hostId))) return
      const { worked = [], viewers = [], ...report } = frame
      await this.hosts.report(this.hostId, report)
      await this.noteUse(this.hostId, worked)
      for (const seat of await lostSeats(this.context.db, viewers)) this.send({ type: 'unseat', ...seat })
      await this.tellRoom(frame)
      this.pictures.reported(this.hostId, frame)
      // Answers that another replica took, and those that got lost.
      return this.carryAnswers()
    }
    if (frame.type === 'logs') return this.context.hostLogs.answered(this.hostId, frame.requestId, frame.answer)
    if (frame.type === 'pictureState') return this.pictures.told(frame)
    if (frame.type === 'dialRefused') return this.context.tunnels.refused(frame.tunnelId, frame.reason)
    await this.journal(frame, this.hostId)
  }

  /** A first report, or one that says other things than the last. */
  private async tellRoom({ capacity, roomBytes, problem, rung, filtered, labels }: HostReport): Promise<void> {
    const room = JSON.stringify([capacity, roomBytes, problem, rung, filtered, labels])
    if (room === this.room) return
    this.room = room
    await roomChanged(this.context)
  }

  /** Who works in a desktop is connected to the host, and to nobody here. */
  private async noteUse(hostId: HostId, worked: readonly SessionId[]): Promise<void> {
    for (const sessionId of worked) {
      const session = await this.sessions.rowOf(sessionId)
      if (session?.host_id === hostId) this.context.use.touch(sessionId)
    }
  }

  /** Closes the link of a host that was shut out. */
  private async mayStay(hostId: HostId): Promise<boolean> {
    const { caller } = this
    const out = caller.kind === 'host' ? await this.credentials.revoked(caller.hash) : !(await this.credentials.shares(hostId))
    if (out) this.close(4403, 'this host was shut out, or enrolled anew')
    return !out
  }

  /** False, and the link closes: not this host, or not in words that are known here. */
  private async mayCome({ hostId, protocol = oldestHostProtocol, version }: Extract<HostUp, { type: 'hello' }>): Promise<boolean> {
    const stranger = (await speaksFor(this.context, this.caller, hostId)) ? null : 'this credential is not of this host'
    const refusal = stranger ?? protocolRefusal(protocol)
    if (refusal === null) return true
    this.context.log.warn({ hostId, version, protocol, refusal }, 'a host is not let in')
    this.close(4403, refusal)
    return false
  }

  /** Something about the host changed. */
  private async lookAgain(hostId: HostId): Promise<void> {
    await this.announceStarts(hostId)
    if (!(await this.mayStay(hostId))) return
    if (await this.credentials.rotationAsked(hostId)) this.send({ type: 'rotate' })
    await this.carryAnswers()
  }

  private async welcome(hello: Extract<HostUp, { type: 'hello' }>): Promise<void> {
    if (!(await this.mayCome(hello))) return
    const hostEpoch = await this.hosts.connect(hello)
    this.connected.get(hello.hostId)?.close(4000, 'a newer connection of this host')
    this.hostId = hello.hostId
    this.connected.set(hello.hostId, this)
    const { hostId, bootId, version, protocol } = hello
    this.context.log.info({ hostId, bootId, version, protocol, hostEpoch }, 'host connected')
    if (this.caller.kind === 'shared')
      this.context.log.warn(
        { hostId, version },
        'this host uses the runner token of all: upgrade it, the next version takes its own credential only',
      )
    this.release = await this.context.tunnels.hold(hello.hostId, {
      epoch: hostEpoch,
      credential: this.caller.kind === 'host' ? this.caller.hash : null,
      send: (frame) => this.send(frame),
    })
    // It closed while its hold was written.
    if (this.socket.readyState !== this.socket.OPEN) return this.release()
    const { config, streamTickets } = this.context
    const stream = { streamKeys: streamTickets.publicKeys, pageOrigins: pageOrigins(config.frontendUrl) }
    this.send({ type: 'welcome', hostEpoch, sessionUrl: config.sessionUrl, ...stream })
    this.unsubscribe()
    this.unsubscribe = this.context.bus.subscribe(hello.hostId, () => {
      this.work = this.work
        .then(() => this.lookAgain(hostId))
        .catch((error) => this.context.log.warn({ err: error }, 'answers not carried'))
    })
    await this.lookAgain(hostId)
  }

  /** So that the host begins before the workflows of its new sessions ask it to. One that is lost costs only time. */
  private async announceStarts(hostId: HostId): Promise<void> {
    for (const { sessionId, epoch } of await this.places.reservedOn(hostId)) this.context.tunnels.announce(hostId, sessionId, epoch)
  }

  /** Sent until the journal says that the agent has them; who has one twice leaves it out. */
  private async carryAnswers(): Promise<void> {
    if (this.hostId === null) return
    for (const { sessionId, answer } of await undelivered(this.context.db, this.hostId)) this.send({ type: 'answer', sessionId, answer })
  }

  private async journal({ sessionId, epoch, entries }: Extract<HostUp, { type: 'journal' }>, hostId: HostId): Promise<void> {
    const session = await this.sessions.rowOf(sessionId)
    if (session === null || session.host_id !== hostId || session.epoch > epoch)
      return this.send({ type: 'fence', sessionId, epoch: session?.epoch ?? epoch })
    const upTo = await this.sessions.append(session, entries)
    this.announcer.announce(session, upTo, entries)
    this.send({ type: 'ack', sessionId, upTo })
    if (session.state === 'stopped') this.send({ type: 'fence', sessionId, epoch: session.epoch })
  }
}

/** `/internal/v1/hosts/connect`: the link that a sandbox host dials. */
export function hostLink(context: Context): UpgradeHandler {
  const server = new WebSocketServer({ noServer: true, maxPayload, perMessageDeflate: false })
  const announcer = new JournalAnnouncer(context)
  const connected = new Map<HostId, HostConnection>()
  context.streams.signal.addEventListener('abort', () => {
    for (const connection of connected.values()) connection.close(1001, 'the control plane stops')
  })
  return async (request, socket, head) => {
    const caller = await hostCaller(context, request.headers)
    if (caller === null) return void socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n')
    server.handleUpgrade(request, socket, head, (ws) => new HostConnection(ws, caller, context, announcer, connected))
  }
}
