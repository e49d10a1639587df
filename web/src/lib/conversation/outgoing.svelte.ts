import type { TaskId } from '@helix/contract/ids'
import { type PromptMode, sendPrompt } from '@helix/contract/task-work'
import { call } from '#lib/api.ts'
import { draft } from '#lib/draft.svelte.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { OnceKey } from '#lib/once-key.ts'
import { routes } from '#lib/routes.ts'
import { goto } from '$app/navigation'

/** Units: milliseconds between tries while Helix does not answer. */
const retryMs = 4000

interface Outgoing {
  text: string
  mode: PromptMode
  attachmentIds: string[]
}

/**
 * The message that a person writes: it outlives a reload and a sign-in, and while Helix does not answer it is sent again and again, as the same
 * message, until it is.
 */
export class Message {
  readonly draft
  pending = $state(false)
  /** Helix did not answer: it is tried again. */
  offline = $state(false)
  failure = $state.raw<Failure | null>(null)
  /** What became of the last one, for people. */
  note = $state<string | null>(null)
  private readonly taskId: TaskId
  private readonly key = new OnceKey()
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly sent: () => void

  constructor(taskId: TaskId, sent: () => void) {
    this.taskId = taskId
    this.sent = sent
    this.draft = draft(`task:${taskId}:composer`)
  }

  /** Resolves with true once it is stored. */
  async send(mode: PromptMode, attachmentIds: string[]): Promise<boolean> {
    const text = this.draft.text.trim()
    if (text === '' || this.pending) return false
    clearTimeout(this.timer)
    this.pending = true
    this.failure = null
    this.note = null
    const done = await this.try({ text, mode, attachmentIds })
    this.pending = false
    return done
  }

  /** Ends the tries; the text stays. */
  dispose(): void {
    clearTimeout(this.timer)
  }

  private async try(message: Outgoing): Promise<boolean> {
    try {
      const idempotencyKey = this.key.of(JSON.stringify(message))
      const { note } = await call(sendPrompt, { params: { taskId: this.taskId }, body: message, idempotencyKey })
      this.offline = false
      this.note = note
      this.key.renew()
      // What was typed meanwhile is the next message.
      if (this.draft.text.trim() === message.text) this.draft.clear()
      this.sent()
      return true
    } catch (error) {
      return this.failed(failureOf(error), message)
    }
  }

  private async failed(failure: Failure, message: Outgoing): Promise<false> {
    this.offline = failure.code === 'unreachable'
    if (this.offline) this.timer = setTimeout(() => void this.send(message.mode, message.attachmentIds), retryMs)
    else this.failure = failure
    if (failure.code === 'not_signed_in') await goto(routes.signIn(location.pathname + location.search))
    return false
  }
}
