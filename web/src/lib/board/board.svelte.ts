import type { ResponseOf } from '@helix/contract/endpoint'
import type { HelixEvent } from '@helix/contract/events'
import type { ProjectId, TaskId } from '@helix/contract/ids'
import { archiveTask } from '@helix/contract/task-moves'
import { getBoard, listTasks, type TaskCard } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import { words } from './messages.ts'

type Board = ResponseOf<typeof getBoard>

/** More changed cards than this are read with the whole board. */
const readTogether = 40
/** Units: milliseconds. What is archived leaves the board at once and is archived when nobody has undone it for so long. */
const undoMs = 6000

/** The cards of a project, kept current by events. */
export class BoardState {
  cards = $state.raw<readonly TaskCard[]>([])
  mergedTotal = $state(0)
  archivedTotal = $state(0)
  failure = $state.raw<Failure | null>(null)
  private readonly projectId: ProjectId
  private readonly changed = new Set<TaskId>()
  private whole = false
  private readonly read: () => void
  private readonly leaving = new Map<TaskId, TaskCard>()
  private timer: ReturnType<typeof setTimeout> | undefined

  constructor(projectId: ProjectId, first: Board) {
    this.projectId = projectId
    this.take(first)
    this.read = collapse(() => this.readChanged())
    follow(
      first.lastEventId,
      (event) => this.hear(event),
      () => this.readAll(),
    )
  }

  private take({ cards, mergedTotal, archivedTotal }: Board): void {
    this.cards = cards.filter(({ id }) => !this.leaving.has(id))
    this.mergedTotal = mergedTotal
    this.archivedTotal = archivedTotal
  }

  readAll(): void {
    this.whole = true
    this.read()
  }

  /** Puts in an answer of the API; an older one than what is shown is left out. */
  put(card: TaskCard): void {
    if (this.leaving.has(card.id)) return
    const known = this.cards.find((other) => other.id === card.id)
    if (known !== undefined && (known.updatedAt > card.updatedAt || known.version > card.version)) return
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

  /** Takes cards off the board at once. Until the note is gone nothing has happened, so that undoing loses no place. */
  archive(cards: readonly TaskCard[]): void {
    this.flush()
    for (const card of cards) this.leaving.set(card.id, card)
    this.cards = this.cards.filter(({ id }) => !this.leaving.has(id))
    this.timer = setTimeout(() => this.flush(), undoMs)
    toasts.show({ tone: 'ok', text: words.archived(cards.length), act: { label: words.undo, run: () => this.undo() } })
  }

  private undo(): void {
    clearTimeout(this.timer)
    this.cards = [...this.leaving.values(), ...this.cards]
    this.leaving.clear()
    this.readAll()
  }

  /** Also when the page is left: what was said to be archived is archived. */
  flush(): void {
    clearTimeout(this.timer)
    const cards = [...this.leaving.values()]
    if (cards.length === 0) return
    void Promise.all(
      cards.map(({ id }) => call(archiveTask, { params: { taskId: id } }).catch((error: unknown) => toasts.fail(failureOf(error)))),
    ).then(() => {
      for (const { id } of cards) this.leaving.delete(id)
      this.readAll()
    })
  }

  private hear(event: HelixEvent): void {
    // Who is assigned may see less than before, or more.
    if (event.type === 'access.changed') this.readAll()
    if (!('projectId' in event) || event.projectId !== this.projectId) return
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
    const params = { projectId: this.projectId }
    try {
      if (whole) this.take(await call(getBoard, { params }))
      else if (ids.length > 0)
        for (const card of (await call(listTasks, { params, query: { ids: ids.join(','), limit: 50 } })).items) this.put(card)
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }
}
