import { getTaskAgent, type TaskAgent } from '@helix/contract/conversation'
import type { HelixEvent } from '@helix/contract/events'
import type { TaskId } from '@helix/contract/ids'
import { getTask, type Task } from '@helix/contract/tasks'
import { untrack } from 'svelte'
import { call } from '#lib/api.ts'
import { JournalState } from '#lib/conversation/journal.svelte.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'

type Journal = ConstructorParameters<typeof JournalState>[1]

/** One task and its conversation, kept current by events. */
export class TaskState {
  task = $state.raw<Task>() as Task
  journal = $state.raw<JournalState | null>(null)
  /** Its session, what waits to be sent to it, and what it asks; null until it was read. */
  agent = $state.raw<TaskAgent | null>(null)
  failure = $state.raw<Failure | null>(null)
  /** Counts what changed besides the conversation: tabs read again when it does. */
  changes = $state(0)
  private readonly id: TaskId
  readonly reread: () => void

  constructor(task: Task, journal: Journal, since: string | null) {
    this.id = task.id
    this.reread = collapse(() => this.read())
    this.put(task, journal)
    $effect(() => untrack(() => void this.readAgent()))
    follow(
      since,
      (event) => this.take(event),
      () => {
        this.reread()
        this.journal?.advance()
      },
    )
  }

  put(task: Task, journal: Journal = null): void {
    this.task = task
    if (task.sessionId !== null && this.journal?.sessionId !== task.sessionId) this.journal = new JournalState(task.sessionId, journal)
  }

  private take(event: HelixEvent): void {
    if (event.type === 'session.journal') {
      if (event.sessionId === this.journal?.sessionId) this.journal.advance(event.upTo)
    } else if ('taskId' in event && event.taskId === this.id) {
      if (event.type === 'task.activity') this.task = { ...this.task, activity: event.activity }
      else this.reread()
    }
  }

  private async read(): Promise<void> {
    try {
      const [task] = await Promise.all([call(getTask, { params: { taskId: this.id } }), this.readAgent()])
      this.put(task)
      this.failure = null
      this.changes += 1
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  /** Its failure is not the page's: the conversation is there without it. */
  private async readAgent(): Promise<void> {
    try {
      this.agent = await call(getTaskAgent, { params: { taskId: this.id } })
    } catch (error) {
      this.failure = failureOf(error)
    }
  }
}
