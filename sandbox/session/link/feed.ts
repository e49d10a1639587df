import type { Kept, SupervisorUp, TurnResult } from '@helix/contract/link'
import type { Journal } from '../journal/journal.ts'
import type { Connection } from './server.ts'

type Status = Pick<Extract<SupervisorUp, { type: 'hello' }>, 'state' | 'message' | 'agentPid' | 'stages' | 'running' | 'desktop'>

/** Entries in one frame, as the contract allows. */
const mostEntries = 200

/**
 * What goes up to the host: after a connection `hello` and every entry above the last acknowledged one, then what is new. The result of a turn
 * goes after the entries that led to it, and stays until a connection has taken it.
 */
export class Feed {
  private readonly journal: Journal
  private readonly identity: { sessionId: string; epoch: number }
  private readonly acknowledged: () => number
  private readonly results = new Map<string, { sequence: number; result: TurnResult }>()
  private connection: Connection | null = null
  private sent = 0
  private pumping = false
  private readonly offered = new Set<Kept>()
  private status: Status = { state: 'preparing', message: null, agentPid: null, stages: [], running: [] }

  constructor(input: { journal: Journal; sessionId: string; epoch: number; acknowledged: () => number }) {
    this.journal = input.journal
    this.identity = { sessionId: input.sessionId, epoch: input.epoch }
    this.acknowledged = input.acknowledged
    input.journal.onEntry(() => this.wake())
  }

  attach(connection: Connection): void {
    this.connection = connection
    this.sent = Math.min(this.acknowledged(), this.journal.last)
    // A result that the last connection took may have been lost with it.
    const latest = this.journal.latestEnd
    if (latest !== null) this.results.set(latest.result.promptId, latest)
    void connection.send({ type: 'hello', ...this.identity, ...this.status, lastSequence: this.journal.last })
    for (const what of this.offered) void connection.send({ type: 'offer', what })
    this.wake()
  }

  setStatus(status: Status): void {
    this.status = status
    this.sendStatus()
  }

  sendStatus(): void {
    if (this.connection?.open) void this.connection.send({ type: 'state', ...this.status })
  }

  /** Said again on each new connection until it is withdrawn. */
  offer(what: Kept, offering: boolean): void {
    if (!offering) return void this.offered.delete(what)
    this.offered.add(what)
    if (this.connection?.open) void this.connection.send({ type: 'offer', what })
  }

  sendResult(end: { sequence: number; result: TurnResult }): void {
    this.results.set(end.result.promptId, end)
    this.wake()
  }

  /** For a prompt that never became part of the journal. */
  sendTransient(result: TurnResult): void {
    if (this.connection?.open) void this.connection.send({ type: 'turn', result })
  }

  heartbeat(promptId: string): void {
    if (this.connection?.open) void this.connection.send({ type: 'heartbeat', promptId })
  }

  /** Resolves when everything is handed to the network, or there is nobody to hand it to. */
  async drain(deadlineMs: number): Promise<void> {
    const end = Date.now() + deadlineMs
    while (this.connection?.open && Date.now() < end && (this.sent < this.journal.last || this.results.size > 0)) {
      this.wake()
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  private wake(): void {
    if (this.pumping) return
    this.pumping = true
    // Not at once: entries of one moment share a frame.
    setImmediate(() => this.pump().finally(() => (this.pumping = false)))
  }

  private async pump(): Promise<void> {
    for (;;) {
      const connection = this.connection
      if (!connection?.open) return
      await this.sendResultsUpTo(connection)
      if (this.sent >= this.journal.last) return
      const entries = await this.journal.readAfter(this.sent, mostEntries)
      const newest = entries.at(-1)
      if (newest === undefined) return
      // A connection that came while this one was read from starts from its own place.
      if (connection !== this.connection || !(await connection.send({ type: 'entries', entries }))) continue
      if (connection === this.connection) this.sent = newest.sequence
      await this.sendResultsUpTo(connection)
    }
  }

  private async sendResultsUpTo(connection: Connection): Promise<void> {
    for (const [promptId, { sequence, result }] of this.results) {
      if (sequence > this.sent) continue
      if (await connection.send({ type: 'turn', result })) this.results.delete(promptId)
    }
  }
}
