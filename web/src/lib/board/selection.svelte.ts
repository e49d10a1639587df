import type { TaskId } from '@helix/contract/ids'
import { SvelteSet } from 'svelte/reactivity'

/** The cards that a bulk action is about. */
export class Selection {
  readonly ids = new SvelteSet<TaskId>()
  private last: TaskId | null = null

  /** `range`: everything between the last one and this, in the order of the column. */
  toggle(id: TaskId, order: readonly TaskId[] = [], range = false): void {
    const from = this.last === null ? -1 : order.indexOf(this.last)
    const to = order.indexOf(id)
    if (range && from >= 0 && to >= 0) for (const one of order.slice(Math.min(from, to), Math.max(from, to) + 1)) this.ids.add(one)
    else if (!this.ids.delete(id)) this.ids.add(id)
    this.last = id
  }

  clear(): void {
    this.ids.clear()
    this.last = null
  }
}
