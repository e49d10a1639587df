import type { ResponseOf } from '@helix/contract/endpoint'
import type { ProjectId } from '@helix/contract/ids'
import { finishInboxItem, type InboxItem, listInbox, readInboxItem, snoozeInboxItem, type InboxState as View } from '@helix/contract/inbox'
import { retryTask } from '@helix/contract/task-moves'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { toasts } from '#lib/ui/toasts.svelte.ts'
import { movesInbox } from './kinds.ts'
import { words } from './messages.ts'

type Listed = ResponseOf<typeof listInbox>

/** One view of the inbox, kept current by events. What a person does shows at once and comes back when it was refused. */
export class InboxView {
  listed = $state.raw<Listed>() as Listed
  failure = $state.raw<Failure | null>(null)
  /** The item that is being worked on. */
  busy = $state<string | null>(null)
  private readonly view: { state: View; projectId: ProjectId | undefined }
  readonly reread: () => void

  constructor(view: { state: View; projectId: ProjectId | undefined }, first: Listed, since: string | null) {
    this.view = view
    this.listed = first
    this.reread = collapse(() => this.read())
    follow(since, (event) => movesInbox(event) && this.reread(), this.reread)
    // What was snoozed comes back by itself.
    $effect(() => {
      const timer = setInterval(this.reread, 60_000)
      return () => clearInterval(timer)
    })
  }

  private async read(): Promise<void> {
    try {
      const limit = Math.min(200, Math.max(100, this.listed.items.length))
      this.listed = await call(listInbox, { query: { ...this.view, limit } })
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  async more(): Promise<void> {
    const cursor = this.listed.nextCursor
    if (cursor === null) return
    try {
      const next = await call(listInbox, { query: { ...this.view, cursor } })
      const known = new Set(this.listed.items.map(({ id }) => id))
      this.listed = { ...next, items: [...this.listed.items, ...next.items.filter(({ id }) => !known.has(id))] }
    } catch (error) {
      toasts.fail(failureOf(error))
    }
  }

  private async change(item: InboxItem, work: () => Promise<void>, next: InboxItem | null): Promise<boolean> {
    const before = this.listed
    const items = before.items.flatMap((one) => (one.id === item.id ? (next === null ? [] : [next]) : [one]))
    const shown = { ...before, items }
    this.listed = shown
    this.busy = item.id
    try {
      await work()
      return true
    } catch (error) {
      // What was read meanwhile is newer than what was there before.
      if (this.listed === shown) this.listed = before
      toasts.fail(failureOf(error))
      return false
    } finally {
      this.busy = null
      this.reread()
    }
  }

  snooze(item: InboxItem, until: Date | null): Promise<boolean> {
    const body = { until: until?.toISOString() ?? null }
    return this.change(item, async () => void (await call(snoozeInboxItem, { params: { itemId: item.id }, body })), null)
  }

  finish(item: InboxItem): Promise<boolean> {
    const work = async (): Promise<void> => {
      const { changed } = await call(finishInboxItem, { params: { itemId: item.id } })
      if (!changed) toasts.show({ tone: 'ok', text: words.quicker })
    }
    return this.change(item, work, null)
  }

  async markRead(item: InboxItem): Promise<void> {
    if (!item.read)
      await this.change(item, async () => void (await call(readInboxItem, { params: { itemId: item.id }, body: { read: true } })), {
        ...item,
        read: true,
      })
  }

  retry(item: InboxItem): Promise<boolean> {
    const { task } = item
    const work = async (): Promise<void> => {
      if (task !== null) await call(retryTask, { params: { taskId: task.id } })
      toasts.show({ tone: 'ok', text: words.retried })
    }
    return this.change(item, work, null)
  }
}
