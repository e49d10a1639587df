import { condition } from '@temporalio/workflow'
import type { PersonPrompt, TaskRequest, TaskVerdict, TurnEnded } from './messages.ts'

export type InboxMessage =
  | { kind: 'request'; request: TaskRequest; answer: (verdict: TaskVerdict) => void }
  | { kind: 'turnEnded'; turn: TurnEnded }
  | { kind: 'slotFreed' }
  | { kind: 'personPrompt'; prompt: PersonPrompt }
  | { kind: 'notice'; activity: string }
  | { kind: 'budgetRaised'; stopId: string }

/** How many ids of handled requests and turns are remembered. */
const remembered = 200

/** The one queue of a workflow: handlers only put in, the story takes out, one at a time. */
export class Inbox {
  /** Ids that were put in already; doubled signals are dropped. */
  readonly seen: string[]
  private readonly messages: InboxMessage[] = []

  constructor(seen: string[]) {
    this.seen = seen
  }

  get empty(): boolean {
    return this.messages.length === 0
  }

  tell(message: InboxMessage): void {
    const id =
      message.kind === 'turnEnded'
        ? `turn/${message.turn.promptId}`
        : message.kind === 'personPrompt'
          ? `person/${message.prompt.promptId}`
          : null
    if (id !== null && this.seen.includes(id)) return
    if (id !== null) this.remember(id)
    this.messages.push(message)
  }

  /** Resolves with the verdict once the story has come to the request. Temporal itself answers a doubled update id. */
  async ask(request: TaskRequest): Promise<TaskVerdict> {
    const slot: { verdict: TaskVerdict | null } = { verdict: null }
    this.messages.push({
      kind: 'request',
      request,
      answer: (verdict) => {
        slot.verdict = verdict
      },
    })
    await condition(() => slot.verdict !== null)
    if (slot.verdict === null) throw new Error('a request ended without a verdict')
    return slot.verdict
  }

  private remember(id: string): void {
    this.seen.push(id)
    if (this.seen.length > remembered) this.seen.splice(0, this.seen.length - remembered)
  }

  /** The next message; null after `timeoutMs` without one. Null waits for ever. */
  async next(timeoutMs: number | null): Promise<InboxMessage | null> {
    if (timeoutMs === null) await condition(() => !this.empty)
    else if (timeoutMs <= 0 || !(await condition(() => !this.empty, timeoutMs))) return this.messages.shift() ?? null
    return this.messages.shift() ?? null
  }
}
