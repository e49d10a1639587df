import type { ResponseOf } from '@helix/contract/endpoint'
import type { HelixEvent } from '@helix/contract/events'
import type { TaskId } from '@helix/contract/ids'
import { getProject, type Project } from '@helix/contract/projects'
import { getBoard, listTasks, type TaskCard } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'

type Board = ResponseOf<typeof getBoard>

/** More changed cards than this are read with the whole board. */
const readTogether = 40

/** The cards of a project, kept current by events. */
export class BoardState {
  cards = $state.raw<readonly TaskCard[]>([])
  mergedTotal = $state(0)
  archivedTotal = $state(0)
  failure = $state.raw<Failure | null>(null)
  /** Its name and limits change too. */
  project = $state.raw<Project>() as Project
  private readonly changed = new Set<TaskId>()
  private whole = false
  private readonly read: () => void
  private readonly pinned = new Map<TaskId, 'gone' | 'back'>()

  constructor(project: Project, first: Board) {
    this.project = project
    this.take(first)
    this.read = collapse(() => this.readChanged())
    follow(
      first.lastEventId,
      (event) => this.hear(event),
      () => this.readAll(),
    )
  }

  private take({ cards, mergedTotal, archivedTotal }: Board): void {
    const back = this.cards.filter(({ id }) => this.pinned.get(id) === 'back' && !cards.some((card) => card.id === id))
    this.cards = [...cards.filter(({ id }) => this.pinned.get(id) !== 'gone'), ...back]
    this.mergedTotal = mergedTotal
    this.archivedTotal = archivedTotal
  }

  readAll(): void {
    this.whole = true
    this.read()
  }

  /** Puts in an answer of the API; an older one than what is shown is left out. */
  put(card: TaskCard): void {
    const pin = this.pinned.get(card.id)
    if (pin === 'gone' || (pin === 'back' && card.status === 'archived')) return
    const known = this.cards.find((other) => other.id === card.id)
    if (known !== undefined && (known.step > card.step || known.version > card.version)) return
    this.cards = known === undefined ? [card, ...this.cards] : this.cards.map((other) => (other.id === card.id ? card : other))
  }

  /** Shows a change before the server has answered; returns what takes it back. */
  show(id: TaskId, change: Partial<TaskCard>): () => void {
    const before = this.cards.find((card) => card.id === id)
    this.cards = this.cards.map((card) => (card.id === id ? { ...card, ...change } : card))
    return () => {
      if (before !== undefined)
        this.cards = this.cards.map((card) => (card.id === id && card.updatedAt === before.updatedAt ? before : card))
    }
  }

  /** Shows cards as they will be, whatever is read meanwhile: off the board, or back on it as `cards`. */
  pin(ids: readonly TaskId[], how: 'gone' | 'back', cards: readonly TaskCard[] = []): void {
    for (const id of ids) this.pinned.set(id, how)
    this.cards = [...cards, ...this.cards.filter(({ id }) => !ids.includes(id))]
  }

  /** What the server says counts again. */
  release(ids: readonly TaskId[]): void {
    for (const id of ids) this.pinned.delete(id)
    this.readAll()
  }

  private hear(event: HelixEvent): void {
    // Who is assigned may see less than before, or more.
    if (event.type === 'access.changed') this.readAll()
    if (!('projectId' in event) || event.projectId !== this.project.id) return
    if (event.type === 'project.changed') this.readAll()
    if (!('taskId' in event) || event.taskId === null || event.type === 'session.journal') return
    const { taskId } = event
    if (event.type === 'task.activity') {
      this.cards = this.cards.map((card) => (card.id === taskId ? { ...card, activity: event.activity } : card))
      return
    }
    this.changed.add(taskId)
    this.read()
  }

  private async readChanged(): Promise<void> {
    const ids = [...this.changed]
    const whole = this.whole || ids.length > readTogether
    this.changed.clear()
    this.whole = false
    const params = { projectId: this.project.id }
    try {
      if (whole) {
        const [board, project] = await Promise.all([call(getBoard, { params }), call(getProject, { params })])
        this.project = project
        this.take(board)
      } else if (ids.length > 0)
        for (const card of (await call(listTasks, { params, query: { ids: ids.join(','), limit: 50 } })).items) this.put(card)
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }
}
