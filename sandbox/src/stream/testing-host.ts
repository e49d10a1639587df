import type { HostId, SessionId } from '@helix/contract/ids'
import { streamPath } from '@helix/contract/stream'
import type { StreamClaims } from '@helix/contract/stream-tickets'
import { pino } from 'pino'
import type { SessionEnd } from '../sessions/local-session.ts'
import { StreamServer } from './server.ts'
import { type Shown, Streams } from './streams.ts'
import { ScriptedDesktop } from './testing-desktop.ts'
import { TicketMaker } from './testing-tickets.ts'
import { TestViewer } from './testing-viewer.ts'

const secret = 'link-secret'

/** A session of a host that is none: it ends when the test says so. */
class ShownSession implements Shown {
  readonly sessionId: SessionId
  readonly epoch = 1
  readonly address: string
  over: string | null = null
  ended: SessionEnd = 'lost'
  private readonly end = Promise.withResolvers<string>()
  readonly gone = this.end.promise

  constructor(sessionId: SessionId, address: string) {
    this.sessionId = sessionId
    this.address = address
  }

  finish(how: SessionEnd): void {
    this.over = 'over'
    this.ended = how
    this.end.resolve('over')
  }
}

/** The stream server of a host with one session, whose desktop is scripted. */
export class StreamHost implements AsyncDisposable {
  readonly hostId = 'hst_01h455vb4pex5vsknk084sn02q' as HostId
  readonly sessionId = 'ses_01h455vb4pex5vsknk084sn02q' as SessionId
  readonly maker = new TicketMaker()
  readonly desktop: ScriptedDesktop
  readonly session: ShownSession
  readonly streams: Streams
  readonly server: StreamServer

  private constructor(desktop: ScriptedDesktop) {
    const log = pino({ level: 'silent' })
    this.desktop = desktop
    this.session = new ShownSession(this.sessionId, desktop.address)
    const find = (id: SessionId) => (id === this.sessionId ? this.session : undefined)
    const { hostId } = this
    this.streams = new Streams({ hostId, sessions: { find, coming: async (id) => find(id) }, linkSecret: () => secret, log })
    this.streams.trust([this.maker.publicKey])
    this.server = new StreamServer({
      hostId,
      port: 0,
      listen: '127.0.0.1',
      publicUrl: null,
      streams: this.streams,
      log,
      changed: () => undefined,
    })
  }

  static async open({ paced = true } = {}): Promise<StreamHost> {
    const host = new StreamHost(await ScriptedDesktop.open(secret, paced))
    await host.server.listen()
    return host
  }

  get url(): string {
    return `ws://127.0.0.1:${this.server.address.port}${streamPath(this.hostId, this.sessionId)}`
  }

  ticket(claims: Partial<StreamClaims> = {}): string {
    // Tickets are not taken that are older than the host, by whole seconds.
    return this.maker.make({ hostId: this.hostId, sessionId: this.sessionId, exp: Math.floor(Date.now() / 1000) + 31, ...claims })
  }

  viewer(claims: Partial<StreamClaims> = {}, capabilities: Parameters<typeof TestViewer.open>[2] = {}): Promise<TestViewer> {
    return TestViewer.open(this.url, this.ticket(claims), capabilities)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.streams.close()
    await this.server[Symbol.asyncDispose]()
    await this.desktop[Symbol.asyncDispose]()
  }
}
