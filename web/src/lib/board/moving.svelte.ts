import type { TaskId } from '@helix/contract/ids'
import { moveToBacklog, retryTask, startTask } from '@helix/contract/task-moves'
import { boardColumns } from '@helix/contract/task-status'
import type { TaskCard } from '@helix/contract/tasks'
import { SvelteSet } from 'svelte/reactivity'
import { call } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { routes } from '#lib/routes.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import { goto } from '$app/navigation'
import type { BoardState } from './board.svelte.ts'
import type { ColumnKey } from './filter.ts'
import { words } from './messages.ts'
import { dropOf } from './moves.ts'

const endpoints = { start: startTask, back_to_backlog: moveToBacklog, retry: retryTask }

/** Moves cards between columns: shown at once, taken back with the reason when it is refused. */
export class Moving {
  /** The card under the pointer, while it is dragged. */
  dragged = $state.raw<TaskCard | null>(null)
  /** For the live region: what has just happened. */
  said = $state('')
  readonly busy = new SvelteSet<TaskId>()
  private readonly board: BoardState

  constructor(board: BoardState) {
    this.board = board
  }

  async move(card: TaskCard, to: ColumnKey): Promise<void> {
    const drop = dropOf(card, to)
    if (drop.kind === 'stay' || this.busy.has(card.id)) return
    if (drop.kind === 'refused') return this.refuse(card, drop.reason)
    if (drop.kind === 'open') {
      toasts.show({ tone: 'ok', text: drop.hint })
      await goto(drop.page === 'spec' ? routes.spec(card.id) : routes.task(card.id, 'changes'))
      return
    }
    const takeBack = this.board.show(card.id, { status: drop.becomes, failedFrom: null, failure: null })
    this.busy.add(card.id)
    try {
      this.board.put((await call(endpoints[drop.action], { params: { taskId: card.id } })).task)
      this.said = words.moved(card.number, boardColumns.find(({ key }) => key === to)?.title ?? to)
    } catch (error) {
      takeBack()
      this.refuse(card, failureOf(error).message)
      this.board.readAll()
    }
    this.busy.delete(card.id)
  }

  private refuse(card: TaskCard, reason: string): void {
    this.said = `${words.notMoved(card.number)}: ${reason}`
    toasts.show({ tone: 'danger', text: this.said })
  }
}
