import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { EgressPolicy } from '@helix/contract/egress'
import { enrolHost, rotateCredential } from '@helix/contract/enrolment'
import { claimSession, fetchPrompt, listHostSessions, recordStart, reportSuspension, type SessionSpec } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import { type HostReport, type HostUp, hostUp } from '@helix/contract/link'
import { machine } from '@helix/contract/machine'
import { listRecorded, noteRecording } from '@helix/contract/recording-wire'
import type { JournalEntry, SessionState } from '@helix/contract/sessions'
import { typeid } from 'typeid-js'
import { type WebSocket, WebSocketServer } from 'ws'

interface Row {
  epoch: number
  hostId: string | null
  bootId: string | null
  state: SessionState
  journal: Map<number, JournalEntry>
  upTo: number
}

const methods = [
  enrolHost,
  rotateCredential,
  claimSession,
  recordStart,
  reportSuspension,
  fetchPrompt,
  listHostSessions,
  listRecorded,
  noteRecording,
]

/** The part of the control plane that hosts talk to, in memory, and an inference provider that answers nothing of note. */
export class FakeControlPlane implements AsyncDisposable {
  readonly sessions = new Map<string, Row>()
  readonly prompts = new Map<string, string>()
  readonly reports: HostReport[] = []
  readonly starts: { epoch: number; reason: string; stages: { name: string; durationMs: number }[] }[] = []
  /** For enrolling. */
  readonly token = 'r'.repeat(40)
  /** Of hosts that enrolled, by host; the newest last. */
  readonly credentials = new Map<string, string[]>()
  /** As hosts told them. */
  readonly hellos: Extract<HostUp, { type: 'hello' }>[] = []
  /** What hosts stopped by themselves. */
  readonly suspensions: { sessionId: string; epoch: number; reason: string }[] = []
  /** What came of recordings, by path, and how often each came. */
  readonly segments = new Map<string, Buffer>()
  readonly noted: { state: string; reason: string | null; lost: number }[] = []
  arrivals = 0
  /** Sessions are recorded; false: segments are answered with a full disk. */
  storing = true
  /** What projects have their sessions started from. */
  images: string[] = []
  claims = 0
  /** What sessions that start from now on get. */
  machine = machine.parse({})
  /** What sessions that start from now on may reach. */
  egress: EgressPolicy = { mode: 'open', domains: [] }
  /** What the specifications of starts from now on have otherwise. */
  spec: Partial<SessionSpec> = {}
  /** Acknowledge journals. */
  acknowledging = true
  /** The answer of the list of the living; false: it fails. */
  answering = true
  private readonly server: Server
  private readonly sockets = new WebSocketServer({ noServer: true })
  private readonly connections = new Set<WebSocket>()

  private constructor() {
    this.server = createServer((request, response) => void this.answer(request, response))
    this.server.on('upgrade', (request, socket, head) => {
      if (this.hostOf(request) === null) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\n')
        return
      }
      this.sockets.handleUpgrade(request, socket, head, (accepted) => this.attend(accepted))
    })
  }

  static async open(): Promise<FakeControlPlane> {
    const plane = new FakeControlPlane()
    await new Promise<void>((resolve) => plane.server.listen(0, '0.0.0.0', resolve))
    return plane
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  addSession(): SessionId {
    const sessionId = typeid('ses').toString() as SessionId
    this.sessions.set(sessionId, { epoch: 0, hostId: null, bootId: null, state: 'queued', journal: new Map(), upTo: 0 })
    return sessionId
  }

  addPrompt(text: string): string {
    const promptId = typeid('prm').toString()
    this.prompts.set(promptId, text)
    return promptId
  }

  row(sessionId: string): Row {
    const row = this.sessions.get(sessionId)
    if (row === undefined) throw new Error(`no session ${sessionId}`)
    return row
  }

  journalOf(sessionId: string): JournalEntry[] {
    return [...this.row(sessionId).journal.values()].sort((one, other) => one.sequence - other.sequence)
  }

  fence(sessionId: string, epoch: number): void {
    for (const socket of this.connections) socket.send(JSON.stringify({ type: 'fence', sessionId, epoch }))
  }

  /** Asks every host for a new credential. */
  rotate(): void {
    for (const socket of this.connections) socket.send('{"type":"rotate"}')
  }

  /** Every host has to dial again. */
  cut(): void {
    for (const socket of this.connections) socket.terminate()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private hostOf({ headers }: IncomingMessage): string | null {
    const token = headers.authorization?.slice('Bearer '.length) ?? ''
    return [...this.credentials].find(([, all]) => all.includes(token))?.[0] ?? null
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      // A host that died asks nothing any more.
      return
    }
    const path = new URL(request.url ?? '/', 'http://plane').pathname
    const enrols = path === enrolHost.path
    const may = enrols ? request.headers.authorization === `Bearer ${this.token}` : this.hostOf(request) !== null || path === '/healthz'
    const answer = !may
      ? failure(401, 'not_signed_in')
      : /\/recording\/\d+\/\d+$/.test(path)
        ? this.keepSegment(path, Buffer.concat(chunks))
        : this.route(request.method ?? 'GET', path, chunks.length > 0 ? JSON.parse(String(Buffer.concat(chunks))) : {})
    response.writeHead(answer.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(answer.body))
  }

  private keepSegment(path: string, segment: Buffer): { status: number; body: unknown } {
    if (!this.storing) return failure(507, 'storage_full')
    this.arrivals += 1
    this.segments.set(path, segment)
    return { status: 200, body: { wanted: true } }
  }

  private route(method: string, path: string, body: Record<string, unknown>): { status: number; body: unknown } {
    for (const endpoint of methods) {
      const names: string[] = []
      const pattern = endpoint.path.replace(/:(\w+)/g, (_, name: string) => {
        names.push(name)
        return '([^/]+)'
      })
      const match = new RegExp(`^${pattern}$`).exec(path)
      if (match === null || method !== endpoint.method) continue
      const params = Object.fromEntries(names.map((name, index) => [name, match[index + 1] ?? '']))
      return this.handle(endpoint, params, body)
    }
    return failure(404, 'not_found')
  }

  private handle(endpoint: (typeof methods)[number], params: Record<string, string>, body: Record<string, unknown>) {
    const { hostId = '', sessionId = '', promptId = '' } = params
    if (endpoint === enrolHost || endpoint === rotateCredential) {
      const of = hostId === '' ? String(body.hostId) : hostId
      this.credentials.set(of, [...(this.credentials.get(of) ?? []), String(body.credential)])
      return { status: 200, body: { hostId: of } }
    }
    if (endpoint === listHostSessions) {
      if (!this.answering) return failure(503, 'database_unavailable')
      const mine = [...this.sessions].filter(([, row]) => row.hostId === hostId && row.state !== 'stopped')
      return {
        status: 200,
        body: { sessions: mine.map(([id, { epoch, state }]) => ({ sessionId: id, epoch, state })), images: this.images },
      }
    }
    if (endpoint === listRecorded) {
      const mine = [...this.sessions].filter(([, row]) => row.hostId === hostId)
      return { status: 200, body: { sessions: mine.map(([id, { epoch }]) => ({ sessionId: id, epoch })) } }
    }
    if (endpoint === noteRecording) {
      this.noted.push(body as (typeof this.noted)[number])
      return { status: 200, body: {} }
    }
    if (endpoint === fetchPrompt) {
      const text = this.prompts.get(promptId)
      if (text === undefined) return failure(404, 'not_found')
      return { status: 200, body: { promptId, origin: 'workflow', author: null, text } }
    }
    const row = this.sessions.get(sessionId)
    if (row === undefined) return failure(404, 'not_found')
    if (endpoint === claimSession) return this.claim(hostId as HostId, sessionId, row, body as { bootId: string; epoch: number })
    if (endpoint === reportSuspension) {
      if (!this.answering) return failure(503, 'database_unavailable')
      if (row.epoch !== body.epoch) return failure(409, 'epoch_outdated')
      row.state = 'suspended'
      this.suspensions.push({ sessionId, ...(body as { epoch: number; reason: string }) })
      return { status: 200, body: {} }
    }
    if (row.state === 'starting') row.state = 'idle'
    this.starts.push(body as (typeof this.starts)[number])
    return { status: 200, body: {} }
  }

  private claim(hostId: HostId, sessionId: string, row: Row, { bootId, epoch }: { bootId: string; epoch: number }) {
    this.claims++
    if (epoch > row.epoch) return failure(409, 'epoch_outdated')
    const again = row.hostId === hostId && row.bootId === bootId && row.epoch === epoch && row.state === 'starting'
    if (row.hostId !== null && row.hostId !== hostId) return { status: 200, body: { outcome: 'refused', reason: 'Another host has it.' } }
    Object.assign(row, { epoch: again ? epoch : row.epoch + 1, hostId, bootId, state: 'starting' })
    const spec: SessionSpec = {
      sessionId: sessionId as SessionId,
      orgId: typeid('org').toString() as SessionSpec['orgId'],
      taskId: null,
      agentRuntime: 'goose_code',
      model: 'demo',
      demo: true,
      permissionMode: 'allow',
      egress: this.egress,
      machine: this.machine,
      imageLogin: null,
      machineToken: 'm'.repeat(40),
      controlPlaneUrl: `http://host.docker.internal:${this.port}`,
      token: `hs_${row.epoch}`,
      gitIdentity: { name: 'A Person', email: 'person@example.com' },
      startUp: null,
      kept: { last: 0, from: null, turn: null },
      secrets: [],
      repositories: [],
      ...this.spec,
    }
    return { status: 200, body: { outcome: 'claimed', epoch: row.epoch, spec } }
  }

  private attend(socket: WebSocket): void {
    this.connections.add(socket)
    socket.on('close', () => this.connections.delete(socket))
    socket.on('message', (data) => this.received(socket, hostUp.parse(JSON.parse(String(data)))))
  }

  private received(socket: WebSocket, frame: HostUp): void {
    if (frame.type === 'hello') {
      this.hellos.push(frame)
      socket.send(JSON.stringify({ type: 'welcome', hostEpoch: 1 }))
    }
    if (frame.type === 'report') this.reports.push(frame)
    else if (frame.type === 'journal') this.store(socket, frame)
  }

  private store(socket: WebSocket, { sessionId, epoch, entries }: Extract<HostUp, { type: 'journal' }>): void {
    const row = this.sessions.get(sessionId)
    if (row === undefined || row.epoch > epoch || row.state === 'stopped') {
      socket.send(JSON.stringify({ type: 'fence', sessionId, epoch }))
      return
    }
    for (const entry of entries) row.journal.set(entry.sequence, entry)
    while (row.journal.has(row.upTo + 1)) row.upTo++
    if (this.acknowledging) socket.send(JSON.stringify({ type: 'ack', sessionId, upTo: row.upTo }))
  }
}

function failure(status: number, code: string) {
  return { status, body: { error: { code, message: code, requestId: 'test' } } }
}
