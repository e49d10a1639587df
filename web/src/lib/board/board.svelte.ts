import type { ResponseOf } from '@helix/contract/endpoint'
import type { HelixEvent } from '@helix/contract/events'
import type { ProjectId, TaskId } from '@helix/contract/ids'
import { getBoard, getTask, type TaskCard } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'

type Board = ResponseOf<typeof getBoard>

/** More changed cards than this are read with the whole board. */
const readSingly = 4

/** The cards of a project, kept current by events. */
export class BoardState {
  cards = $state.raw<readonly TaskCard[]>([])
  failure = $state.raw<Failure | null>(null)
  private readonly projectId: ProjectId
  private readonly changed = new Set<TaskId>()
  private whole = false
  private readonly read: () => void

  constructor(projectId: ProjectId, first: Board) {
    this.projectId = projectId
    this.cards = first.cards
    this.read = collapse(() => this.readChanged())
    follow(
      first.lastEventId,
      (event) => this.take(event),
      () => this.readAll(),
    )
  }

  readAll(): void {
    this.whole = true
    this.read()
  }

  /** Puts in an answer of the API; an older one than what is shown is left out. */
  put(card: TaskCard): void {
    const known = this.cards.find((other) => other.id === card.id)
    if (known !== undefined && known.updatedAt > card.updatedAt) return
    this.cards = known === undefined ? [card, ...this.cards] : this.cards.map((other) => (other.id === card.id ? card : other))
  }

  private take(event: HelixEvent): void {
    if (!('projectId' in event) || event.projectId !== this.projectId || !('taskId' in event) || event.taskId === null) return
    const { taskId } = event
    if (event.type === 'session.journal') return
    if (event.type === 'task.activity') {
      this.cards = this.cards.map((card) => (card.id === taskId ? { ...card, activity: event.activity } : card))
      return
    }
    this.changed.add(taskId)
    this.read()
  }

  private async readChanged(): Promise<void> {
    const ids = [...this.changed]
    const whole = this.whole || ids.length > readSingly
    this.changed.clear()
    this.whole = false
    try {
      if (whole) this.cards = (await call(getBoard, { params: { projectId: this.projectId } })).cards
      else for (const card of await Promise.all(ids.map((taskId) => call(getTask, { params: { taskId } })))) this.put(card)
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }
}
