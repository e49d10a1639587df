import type { SupervisorDown, TurnResult } from '@helix/contract/link'
import type { Journal } from '../journal/journal.ts'
import { type Log, reasonOf } from '../log.ts'
import type { TurnRunner } from './runner.ts'

export type Prompt = Omit<Extract<SupervisorDown, { type: 'prompt' }>, 'type'>

/** What the link is told. */
export interface TurnAudience {
  sendStatus(): void
  sendResult(end: { sequence: number; result: TurnResult }): void
  sendTransient(result: TurnResult): void
}

/** Prompts that wait behind the current one. The control plane sends one at a time, so more is nonsense. */
const mostWaiting = 20

/** One turn at a time, each prompt id once: a repeated id is answered with what is known of it. */
export class Turns {
  private readonly journal: Journal
  private readonly runner: TurnRunner
  private readonly audience: TurnAudience
  private readonly log: Log
  private readonly changed: () => void
  private readonly waiting: Prompt[] = []
  private current: string | null = null
  private state: 'preparing' | 'ready' | 'broken' | 'ending' = 'preparing'
  private reason: string | null = null

  constructor(input: { journal: Journal; runner: TurnRunner; audience: TurnAudience; log: Log; changed: () => void }) {
    this.journal = input.journal
    this.runner = input.runner
    this.audience = input.audience
    this.log = input.log
    this.changed = input.changed
  }

  /** The prompt whose turn runs. */
  get running(): string | null {
    return this.current
  }

  /** Working copies and agent are there. */
  begin(): void {
    if (this.state !== 'preparing') return
    this.state = 'ready'
    this.next()
  }

  /** The session cannot take prompts; those that wait are answered with the reason. */
  breakOff(reason: string): void {
    this.state = 'broken'
    this.reason = reason
    for (const prompt of this.waiting.splice(0)) this.refuse(prompt.promptId, reason)
  }

  receive(prompt: Prompt): void {
    const end = this.journal.find(prompt.promptId)?.end
    if (end) this.audience.sendResult(end)
    else if (this.isUnderWay(prompt.promptId)) this.audience.sendStatus()
    else if (this.state === 'broken' || this.state === 'ending') this.refuse(prompt.promptId, this.reason ?? 'The session ends.')
    else if (this.waiting.length >= mostWaiting) this.refuse(prompt.promptId, `${mostWaiting} prompts wait already.`)
    else {
      this.waiting.push(prompt)
      this.next()
    }
  }

  /** An id that is not known, or has ended, is not an error. */
  cancel(promptId: string): void {
    if (this.current === promptId) {
      this.runner.cancel()
      return
    }
    const at = this.waiting.findIndex((prompt) => prompt.promptId === promptId)
    if (at !== -1) this.waiting.splice(at, 1)
    const seen = this.journal.find(promptId)
    const leftUnfinished = seen !== undefined && seen.end === null
    if (at === -1 && !leftUnfinished) return
    this.finish({ promptId, outcome: 'cancelled', message: 'Cancelled while it did not run.', retryable: false })
  }

  /** No further turn begins. The current one is left unfinished: its prompt goes on in the next start. */
  end(): void {
    this.state = 'ending'
    this.runner.abandon()
  }

  private isUnderWay(id: string): boolean {
    return this.current === id || this.waiting.some(({ promptId }) => promptId === id)
  }

  private refuse(promptId: string, message: string): void {
    this.audience.sendTransient({ promptId, outcome: 'error', message, retryable: true })
  }

  private next(): void {
    if (this.state !== 'ready' || this.current !== null) return
    const prompt = this.waiting.shift()
    if (prompt === undefined) return
    this.current = prompt.promptId
    this.changed()
    void this.run(prompt)
  }

  private async run(prompt: Prompt): Promise<void> {
    try {
      const result = await this.runner.run(prompt)
      this.current = null
      if (result !== null) this.finish(result)
    } catch (error) {
      // Only the journal's own failure comes here, a full disk for one: nothing may be promised that it does not hold.
      this.current = null
      this.log.warn('a turn failed', { reason: reasonOf(error) })
      this.breakOff(`The session's journal cannot be written: ${reasonOf(error)}`)
      this.refuse(prompt.promptId, this.reason ?? '')
    }
    this.changed()
    this.next()
  }

  private finish(result: TurnResult): void {
    this.journal.endTurn(result)
    const end = this.journal.latestEnd
    if (end !== null) this.audience.sendResult(end)
  }
}
