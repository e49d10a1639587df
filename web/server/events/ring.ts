import type { LogEntry } from './store.ts'

/** The newest part of an organisation's log, without gaps from `floor` (exclusive) to `head`, and bounded. */
export class Ring {
  /** Everything after this number, up to `head`, is here. */
  floor: number
  head: number
  private readonly size: number
  private entries: LogEntry[]

  /** `newest`: the end of the log; shorter than `size` means that it is the whole log. */
  constructor(size: number, newest: LogEntry[]) {
    this.size = size
    this.entries = newest
    const first = newest[0]
    this.floor = newest.length < size || first === undefined ? 0 : first.id - 1
    this.head = newest.at(-1)?.id ?? 0
  }

  push(entry: LogEntry): void {
    this.entries.push(entry)
    this.head = entry.id
    // Cut in larger pieces: each cut copies.
    if (this.entries.length <= this.size * 1.25) return
    const cut = this.entries.length - this.size
    this.floor = this.entries[cut - 1]?.id ?? this.floor
    this.entries = this.entries.slice(cut)
  }

  /** What follows `id`, which must not be below `floor`. */
  *after(id: number): Generator<LogEntry> {
    let [low, high] = [0, this.entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.entries[middle]?.id ?? 0) > id) high = middle
      else low = middle + 1
    }
    for (let index = low; index < this.entries.length; index++) yield this.entries[index] as LogEntry
  }
}
