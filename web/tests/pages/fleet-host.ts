import { once } from 'node:events'
import { type Call, createClient } from '@helix/contract/client'
import type { BodyOf } from '@helix/contract/endpoint'
import { hostProtocol } from '@helix/contract/enrolment'
import { claimSession, recordStart, reportProgress } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { HostDown, HostReport, HostUp } from '@helix/contract/link'
import type { JournalPayload } from '@helix/contract/sessions'
import { typeid } from 'typeid-js'
import { WebSocket } from 'ws'
import type { Installation } from './installation.ts'

type StartSoFar = NonNullable<BodyOf<typeof reportProgress>['start']>

const usual: HostReport = {
  type: 'report',
  capacity: 4,
  running: 0,
  rung: 'gvisor',
  innerDocker: true,
  filtered: true,
  packs: [{ runtime: 'goose_code', version: '1.9.0' }],
  images: ['helix-session:dev'],
  freeDiskBytes: 120 * 1024 ** 3,
  memoryBytes: 16 * 1024 ** 3,
  roomBytes: 32 * 1024 ** 3,
  load: 0.42,
  labels: { arch: 'x64' },
  checks: [{ name: 'docker', state: 'ok', text: 'Docker 29.1 answers' }],
  problem: null,
}

/** A sandbox host as far as the control plane sees it. */
export class FleetHost {
  readonly id = typeid('hst').toString() as HostId
  private readonly socket: WebSocket
  private readonly call: Call
  private reported: Partial<HostReport> = {}
  private readonly said = new Map<SessionId, number>()

  private constructor({ url, token }: Installation) {
    this.call = createClient({ baseUrl: url, token })
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/internal/v1/hosts/connect`, { headers: { authorization: `Bearer ${token}` } })
  }

  static async open(
    installation: Installation,
    name: string,
    report: Partial<HostReport> = {},
    protocol = hostProtocol,
  ): Promise<FleetHost> {
    const host = new FleetHost(installation)
    await once(host.socket, 'open')
    host.send({ type: 'hello', hostId: host.id, name, bootId: 'boot', version: '0.1.0', protocol })
    host.report(report)
    return host
  }

  report(report: Partial<HostReport>): void {
    this.reported = report
    this.send({ ...usual, ...report })
  }

  /** What the control plane asks of it. */
  heard(frame: (frame: HostDown) => void): void {
    this.socket.on('message', (data) => frame(JSON.parse(String(data)) as HostDown))
  }

  send(frame: HostUp): void {
    this.socket.send(JSON.stringify(frame))
  }

  sendBytes(bytes: Uint8Array): void {
    this.socket.send(bytes)
  }

  /** Takes a session and starts it. */
  async takes(sessionId: SessionId): Promise<void> {
    await this.begins(sessionId)
    await this.started(sessionId)
  }

  /** Takes a session, which starts from now on. */
  async begins(sessionId: SessionId): Promise<void> {
    // Hosts that say nothing for a while get nothing new.
    this.report(this.reported)
    const params = { hostId: this.id, sessionId }
    for (let attempt = 0; attempt < 100; attempt++) {
      const { outcome } = await this.call(claimSession, { params, body: { bootId: 'boot', epoch: 0 } })
      if (outcome === 'claimed') return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('the session was not claimed')
  }

  /** What a start is at. */
  async isAt(sessionId: SessionId, text: string, start: Omit<StartSoFar, 'reason'>): Promise<void> {
    const body = { epoch: 1, text, start: { reason: 'first start', ...start } }
    await this.call(reportProgress, { params: { hostId: this.id, sessionId }, body })
  }

  async started(sessionId: SessionId): Promise<void> {
    const body = { epoch: 1, reason: 'first start', stages: [{ name: 'ready', durationMs: 1800 }] }
    await this.call(recordStart, { params: { hostId: this.id, sessionId }, body })
  }

  /** Writes the journal of a session it took, from its beginning. */
  says(sessionId: SessionId, ...payloads: JournalPayload[]): void {
    const sequence = this.said.get(sessionId) ?? 0
    const at = new Date().toISOString()
    this.said.set(sessionId, sequence + payloads.length)
    this.send({
      type: 'journal',
      sessionId,
      epoch: 1,
      entries: payloads.map((payload, index) => ({ sequence: sequence + index + 1, at, payload })),
    })
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return
    this.socket.close()
    await once(this.socket, 'close')
  }
}
