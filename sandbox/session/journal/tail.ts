import type { JournalEntry } from '@helix/contract/sessions'

const mostEntries = 100
/** Units: characters of JSON. */
const mostCharacters = 256 * 1024

/** The newest entries, so that a live session does not read its own file again for each of them. */
export class Tail {
  private readonly kept: { entry: JournalEntry; characters: number }[] = []
  private characters = 0

  push(entry: JournalEntry, characters: number): void {
    this.kept.push({ entry, characters })
    this.characters += characters
    while (this.kept.length > mostEntries || (this.characters > mostCharacters && this.kept.length > 0)) {
      this.characters -= this.kept.shift()?.characters ?? 0
    }
  }

  /** All entries after a number, or undefined when some of them are only in the file. */
  after(sequence: number, last: number): JournalEntry[] | undefined {
    if (sequence >= last) return []
    const first = this.kept.findIndex(({ entry }) => entry.sequence > sequence)
    if (first === -1) return undefined
    if (first === 0 && this.kept[0]?.entry.sequence !== sequence + 1) return undefined
    return this.kept.slice(first).map(({ entry }) => entry)
  }

  /** Those of the kept entries that follow a number. */
  since(sequence: number): JournalEntry[] {
    return this.kept.map(({ entry }) => entry).filter((entry) => entry.sequence > sequence)
  }
}
