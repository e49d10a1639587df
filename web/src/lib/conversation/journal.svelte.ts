import type { ResponseOf } from '@helix/contract/endpoint'
import type { SessionId } from '@helix/contract/ids'
import { getJournal, type JournalEntry } from '@helix/contract/sessions'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { Folder, type Item } from './fold.ts'

type Journal = ResponseOf<typeof getJournal>

/** Units: entries. */
const batch = 500

/** One line of the conversation; what it shows may be replaced without anything else being drawn again. */
export class Row {
  item = $state.raw<Item>() as Item
  /** A person looks inside; it stays so when the row is scrolled away and comes back. */
  open = $state(false)

  constructor(item: Item) {
    this.item = item
  }
}

/** The conversation of one session: the last entries at first, older ones on demand, new ones as they come. */
export class JournalState {
  rows = $state.raw<readonly Row[]>([])
  /** The highest sequence number that is shown. */
  upTo = $state(0)
  failure = $state.raw<Failure | null>(null)
  /** Older entries exist. */
  more = $state(false)
  loadingOlder = $state(false)
  readonly sessionId: SessionId
  private entries: JournalEntry[] = []
  private folder = new Folder()
  private readonly read: () => void

  constructor(sessionId: SessionId, first: Journal | null) {
    this.sessionId = sessionId
    this.read = collapse(() => this.catchUp(), 30)
    if (first === null) this.read()
    else this.begin(first.entries)
  }

  /** Older entries change what stands at their end: everything is folded anew, and rows that are known stay the same ones. */
  private begin(entries: JournalEntry[]): void {
    const known = new Map(this.rows.map((row) => [row.item.key, row]))
    this.entries = entries
    this.more = (entries[0]?.sequence ?? 1) > 1
    this.folder = new Folder()
    this.folder.take(entries)
    this.rows = this.folder.items.map((item) => {
      const row = known.get(item.key)
      if (row === undefined) return new Row(item)
      row.item = item
      return row
    })
    this.upTo = this.folder.upTo
  }

  /** New entries exist, as far as the event says. Without a number: look. */
  advance(upTo?: number): void {
    if (upTo === undefined || upTo > this.upTo) this.read()
  }

  private async catchUp(): Promise<void> {
    try {
      for (;;) {
        const query = this.entries.length === 0 ? { limit: batch } : { after: this.upTo, limit: batch }
        const answer = await call(getJournal, { params: { sessionId: this.sessionId }, query })
        if (this.entries.length === 0) this.begin(answer.entries)
        else this.append(answer.entries)
        if (answer.entries.length === 0 || this.upTo >= answer.upTo) break
      }
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  private append(entries: JournalEntry[]): void {
    for (const entry of entries) if (entry.sequence > this.folder.upTo) this.entries.push(entry)
    const fresh: Row[] = []
    for (const place of this.folder.take(entries)) {
      const item = this.folder.items[place]
      const row = this.rows[place]
      if (item === undefined) continue
      if (row === undefined) fresh.push(new Row(item))
      else row.item = item
    }
    if (fresh.length > 0) this.rows = [...this.rows, ...fresh]
    this.upTo = this.folder.upTo
  }

  async loadOlder(): Promise<void> {
    const first = this.entries[0]
    if (first === undefined || this.loadingOlder || !this.more) return
    this.loadingOlder = true
    try {
      const answer = await call(getJournal, { params: { sessionId: this.sessionId }, query: { before: first.sequence, limit: batch } })
      this.begin([...answer.entries, ...this.entries])
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
    this.loadingOlder = false
  }
}
