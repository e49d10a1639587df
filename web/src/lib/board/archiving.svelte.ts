import { type BulkChange, bulkMax, bulkTasks } from '@helix/contract/bulk'
import type { ProjectId, TaskId } from '@helix/contract/ids'
import type { TaskCard } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import type { BoardState } from './board.svelte.ts'
import { words } from './messages.ts'

/** Archives cards at once, and takes that back for all of them: the server knows where each stood, so that closing the tab loses nothing. */
export class Archiving {
  private readonly projectId: ProjectId
  private readonly board: BoardState

  constructor(projectId: ProjectId, board: BoardState) {
    this.projectId = projectId
    this.board = board
  }

  /** What is being merged stays, and says so. */
  archive(asked: readonly TaskCard[]): void {
    const cards = asked.filter(({ status }) => status !== 'pull_request')
    for (const { number, status } of asked)
      if (status === 'pull_request') toasts.show({ tone: 'danger', text: `${words.notChanged(number)}: ${words.beingMerged}` })
    if (cards.length === 0) return
    const ids = cards.map(({ id }) => id)
    const stopped = cards.filter(({ status }) => status === 'planning' || status === 'implementing').length
    this.board.pin(ids, 'gone')
    const sent = this.send(ids, { action: 'archive' })
    const text = `${words.archived(cards.length)} ${words.agentsStopped(stopped)}`.trim()
    toasts.show({ tone: 'ok', text, act: { label: words.undo, run: () => void this.undo(cards, sent) } })
    void sent.then(() => this.board.release(ids))
  }

  private async undo(cards: readonly TaskCard[], sent: Promise<TaskId[]>): Promise<void> {
    const ids = cards.map(({ id }) => id)
    this.board.pin(ids, 'back', cards)
    await this.send(await sent, { action: 'undo_archive' })
    this.board.release(ids)
  }

  /** Answers with those that it was done to, and says of the others why not. */
  private async send(ids: readonly TaskId[], change: BulkChange): Promise<TaskId[]> {
    const done: TaskId[] = []
    for (let from = 0; from < ids.length; from += bulkMax) {
      const body = { taskIds: ids.slice(from, from + bulkMax), change }
      try {
        // A request that is under way when the tab is closed arrives.
        const { results } = await call(bulkTasks, { params: { projectId: this.projectId }, body, keepalive: true })
        for (const { taskId, number, error, note } of results) {
          if (error === null) done.push(taskId)
          else toasts.show({ tone: 'danger', text: `${words.notChanged(number ?? 0)}: ${error.message}` })
          if (note !== null) toasts.show({ tone: 'danger', text: note })
        }
      } catch (error) {
        toasts.fail(failureOf(error))
      }
    }
    return done
  }
}
