import { once } from 'node:events'
import { type Call, createClient } from '@helix/contract/client'
import type { BodyOf } from '@helix/contract/endpoint'
import { claimSession, fetchPrompt } from '@helix/contract/hosts'
import type { HostId, PromptId, SessionId, TaskId } from '@helix/contract/ids'
import { openSession, recordStep, recordTurn } from '@helix/contract/internal'
import type { HostDown, HostUp, PermissionAnswer } from '@helix/contract/link'
import type { JournalPayload } from '@helix/contract/sessions'
import type { TaskStatus } from '@helix/contract/task-status'
import { typeid } from 'typeid-js'
import { WebSocket } from 'ws'
import type { Installation } from './installation.ts'

/** Writes a step of a task as its workflow would. */
export async function moveTo(
  installation: Installation,
  taskId: TaskId,
  step: number,
  from: TaskStatus,
  to: TaskStatus,
  extra: Partial<BodyOf<typeof recordStep>> = {},
): Promise<void> {
  const nothing = { reason: null, actorId: null, failure: null, failedFrom: null, expectSpecCommit: null, expectBranchCommit: null }
  await createClient({ baseUrl: installation.url, token: installation.token })(recordStep, {
    params: { taskId },
    body: { key: `test ${step}`, step, from, to, cause: 'test', activity: to, review: null, mergedCommit: null, ...nothing, ...extra },
  })
}

/** A sandbox host and the agent on it, as far as the control plane sees them. */
export class AgentLink {
  readonly answers: PermissionAnswer[] = []
  /** What the agent calls the gateway with. */
  gatewayToken = ''
  private readonly socket: WebSocket
  private readonly sessionId: SessionId
  private readonly hostId = typeid('hst').toString() as HostId
  private readonly call: Call
  private sequence = 0
  private acknowledged = 0

  private constructor(url: string, token: string, sessionId: SessionId) {
    this.sessionId = sessionId
    this.call = createClient({ baseUrl: url, token })
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/internal/v1/hosts/connect`, { headers: { authorization: `Bearer ${token}` } })
    this.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as HostDown
      if (frame.type === 'ack') this.acknowledged = frame.upTo
      if (frame.type === 'answer') this.answers.push(frame.answer)
    })
  }

  /** The session of a task, on a host of its own. */
  static async open({ url, token }: Installation, taskId: TaskId): Promise<AgentLink> {
    const call = createClient({ baseUrl: url, token })
    const { sessionId } = await call(openSession, { params: { taskId }, body: { key: 'k' } })
    const link = new AgentLink(url, token, sessionId)
    const { hostId } = link
    await once(link.socket, 'open')
    link.send({ type: 'hello', hostId, name: 'test host', bootId: 'boot', version: '1' })
    link.send({ type: 'report', capacity: 9, running: 0, rung: 'plain', innerDocker: false, packs: [], freeDiskBytes: 1, problem: null })
    for (let attempt = 0; attempt < 100; attempt++) {
      const claim = await call(claimSession, { params: { hostId, sessionId }, body: { bootId: 'boot', epoch: 0 } })
      if (claim.outcome === 'claimed') {
        link.gatewayToken = claim.spec.token
        return link
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('the session was not claimed')
  }

  /** Writes journal entries and waits until they are stored. */
  async says(...payloads: JournalPayload[]): Promise<void> {
    const entries = payloads.map((payload) => ({ sequence: ++this.sequence, at: new Date().toISOString(), payload }))
    for (let at = 0; at < entries.length; at += 200)
      this.send({ type: 'journal', sessionId: this.sessionId, epoch: 1, entries: entries.slice(at, at + 200) })
    while (this.acknowledged < this.sequence) await once(this.socket, 'message')
  }

  /** A prompt as the host fetches it for the agent. */
  prompt(promptId: string) {
    return this.call(fetchPrompt, { params: { hostId: this.hostId, promptId: promptId as PromptId } })
  }

  /** Begins a turn as the session's workflow does. */
  async begins(promptId: PromptId): Promise<void> {
    await this.call(recordTurn, { params: { sessionId: this.sessionId }, body: { promptId, state: 'running', outcome: null } })
  }

  /** The agent ended its turn with an error, as the session's workflow writes it. */
  async fails(promptId: PromptId, outcome: string): Promise<void> {
    await this.call(recordTurn, { params: { sessionId: this.sessionId }, body: { promptId, state: 'failed', outcome } })
  }

  close(): void {
    this.socket.close()
  }

  private send(frame: HostUp): void {
    this.socket.send(JSON.stringify(frame))
  }
}
