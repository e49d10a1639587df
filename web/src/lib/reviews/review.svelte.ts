import type { TaskId } from '@helix/contract/ids'
import { type Comment, getSpec, resolveComment, type Spec } from '@helix/contract/reviews'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import { invalidate } from '$app/navigation'

/** A revision of a spec with its comments, kept current; a newer revision is announced, never shown unasked. */
export class ReviewState {
  spec = $state.raw<Spec>() as Spec
  failure = $state.raw<Failure | null>(null)
  /** The number of the newest revision there is. */
  newest = $state(0)
  private readonly taskId: TaskId

  constructor(taskId: TaskId, spec: Spec, since: string | null) {
    this.taskId = taskId
    this.put(spec)
    const read = collapse(() => this.read())
    const concerns = ['spec.revised', 'spec.commented', 'task.changed']
    follow(since, (event) => concerns.includes(event.type) && 'taskId' in event && event.taskId === taskId && read(), read)
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
    if (shown === null) return invalidate('helix:spec')
    try {
      this.put(await call(getSpec, { params: { taskId: this.taskId }, query: { revision: shown.number } }))
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  add(comment: Comment): void {
    const others = this.spec.comments.filter(({ id }) => id !== comment.id)
    this.spec = { ...this.spec, comments: [...others, comment].sort((a, b) => a.id.localeCompare(b.id)) }
  }

  /** Shown at once and taken back when it did not work. */
  async resolve(comment: Comment, resolved: boolean): Promise<void> {
    this.add({ ...comment, resolvedAt: resolved ? new Date().toISOString() : null })
    try {
      this.add(await call(resolveComment, { params: { taskId: this.taskId, commentId: comment.id }, body: { resolved } }))
    } catch (error) {
      this.add(comment)
      toasts.fail(failureOf(error))
    }
  }
}
