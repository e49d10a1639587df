import type { SessionId, TaskId } from '@helix/contract/ids'
import {
  applySuggestions,
  askAgent,
  type Comment,
  getSpec,
  listTaskPeople,
  type Question,
  resolveComment,
  type Spec,
} from '@helix/contract/reviews'
import { call } from '#lib/api.ts'
import { JournalState } from '#lib/conversation/journal.svelte.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { reread } from '#lib/reread.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import { type Answering, answeringOf } from './answers.ts'

export interface Someone {
  id: string
  name: string
  mayReview: boolean
}

const concerns = ['spec.revised', 'spec.commented', 'spec.reviewed', 'task.changed']

/** A revision of a spec with its threads, kept current; a newer revision is announced, never shown unasked. */
export class ReviewState {
  spec = $state.raw<Spec>() as Spec
  failure = $state.raw<Failure | null>(null)
  /** The number of the newest revision there is. */
  newest = $state(0)
  people = $state.raw<Someone[]>([])
  private journal = $state.raw<JournalState | null>(null)
  private asked: Promise<void> | null = null
  private readonly taskId: TaskId
  /** Comments and decisions are of one role; others read. */
  readonly mayReview: boolean

  constructor(taskId: TaskId, spec: Spec, since: string | null, mayReview: boolean) {
    this.taskId = taskId
    this.mayReview = mayReview
    this.put(spec)
    const read = collapse(() => this.read())
    follow(
      since,
      (event) => {
        if (!('taskId' in event) || event.taskId !== taskId) return
        if (event.type === 'session.journal') this.journal?.advance(event.upTo)
        else if (concerns.includes(event.type)) read()
      },
      () => {
        read()
        this.journal?.advance()
      },
    )
  }

  put(spec: Spec): void {
    this.spec = spec
    this.newest = Math.max(0, ...spec.revisions.map(({ number }) => number))
  }

  get outdated(): boolean {
    return this.spec.revision !== null && this.spec.revision.number < this.newest
  }

  readonly read = async (): Promise<void> => {
    const shown = this.spec.revision
    if (shown === null) return reread('helix:spec')
    try {
      const spec = await call(getSpec, { params: { taskId: this.taskId }, query: { revision: shown.number } })
      this.failure = null
      // Meanwhile the reader may have gone to another revision.
      if (this.spec.revision?.id === shown.id) this.put(spec)
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  /** Whom a comment may name, read when the first is written. Without them names can still be typed. */
  readPeople(): Promise<void> {
    this.asked ??= call(listTaskPeople, { params: { taskId: this.taskId } })
      .then(({ items }) => {
        this.people = items
      })
      .catch(() => {
        this.asked = null
      })
    return this.asked
  }

  add(comment: Comment): void {
    const others = this.spec.comments.filter(({ id }) => id !== comment.id)
    this.spec = { ...this.spec, comments: [...others, comment].sort((a, b) => a.id.localeCompare(b.id)) }
  }

  /** Shown at once and taken back when it did not work. */
  async resolve(comment: Comment, resolved: boolean): Promise<void> {
    this.add({ ...comment, resolvedAt: resolved ? new Date().toISOString() : null })
    try {
      const done = await call(resolveComment, { params: { taskId: this.taskId, commentId: comment.id }, body: { resolved } })
      // It answers the place in the comment's own revision.
      this.add({ ...done, place: comment.place })
    } catch (error) {
      this.add(comment)
      toasts.fail(failureOf(error))
    }
  }

  async ask(comment: Comment): Promise<void> {
    try {
      const question: Question = await call(askAgent, { params: { taskId: this.taskId, commentId: comment.id } })
      if (!this.spec.questions.some(({ promptId }) => promptId === question.promptId))
        this.spec = { ...this.spec, questions: [...this.spec.questions, question] }
    } catch (error) {
      toasts.fail(failureOf(error))
    }
  }

  /** Answers with the number of the new revision. */
  async apply(comments: readonly Comment[]): Promise<number | null> {
    const { revision } = this.spec
    if (revision === null) return null
    try {
      const body = { revisionId: revision.id, commentIds: comments.map(({ id }) => id) }
      const made = await call(applySuggestions, { params: { taskId: this.taskId }, body })
      return made.revision.number
    } catch (error) {
      toasts.fail(failureOf(error))
      await this.read()
      return null
    }
  }

  /** Reads the conversation of the session that answers; call it while a question waits. */
  listen(sessionId: SessionId): void {
    if (this.journal?.sessionId !== sessionId) this.journal = new JournalState(sessionId, null)
  }

  answering(promptId: string): Answering {
    return answeringOf(this.journal?.rows.map(({ item }) => item) ?? [], promptId)
  }
}
