import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { TurnResult } from '@helix/contract/link'
import type { JournalEntry, JournalPayload } from '@helix/contract/sessions'
import { wellFormedJson } from '@helix/contract/text'
import { type JournalLine, parseLine, type SeenPrompt } from './entry.ts'
import { LineFile, readLines } from './file.ts'
import { History } from './history.ts'
import { Tail } from './tail.ts'

/** Units: characters of JSON in one answer of `readAfter`; one entry may be more. */
const batchCharacters = 256 * 1024

/**
 * What happened in the session, on its volume: it outlives the container, and from it come the sequence numbers, the prompts that were seen
 * and the results of their turns.
 */
export class Journal {
  private readonly file: LineFile
  private readonly history: History
  private readonly tail = new Tail()
  private readonly listeners = new Set<() => void>()

  private constructor(file: LineFile, history: History) {
    this.file = file
    this.history = history
  }

  /** Reads the file once. The first line that is not whole ends it: what a dying process left of it was never told to anybody. */
  static async open(path: string): Promise<Journal> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const size = await stat(path).then(
      (found) => found.size,
      () => 0,
    )
    const history = new History()
    let end = 0
    if (size > 0) {
      for await (const { offset, next, text } of readLines(path, 0, size)) {
        const line = parseLine(text)
        if (line === undefined) break
        history.take(line, offset)
        end = next
      }
    }
    history.lastAtOpening = history.last
    return new Journal(new LineFile(path, end), history)
  }

  /** The number of the newest entry; 0 before the first. */
  get last(): number {
    return this.history.last
  }

  /** The newest end of a turn. */
  get latestEnd(): SeenPrompt['end'] {
    return this.history.latestEnd
  }

  find(promptId: string): Readonly<SeenPrompt> | undefined {
    return this.history.find(promptId)
  }

  /** A prompt that reached the agent on another volume, and how its turn ended. What the file tells counts more. */
  remember(promptId: string, end: TurnResult | null): void {
    this.history.remember(promptId, end)
  }

  /** What became of a request for permission. */
  request(id: string): 'open' | 'ended' | undefined {
    return this.history.request(id)
  }

  /** Requests for permission without an end. */
  openRequests(): string[] {
    return this.history.openRequests()
  }

  append(payload: JournalPayload): JournalEntry {
    return this.write(payload, {})
  }

  /** Like `append`, and what was written so far survives the loss of power. */
  appendSynced(payload: JournalPayload): JournalEntry {
    const entry = this.write(payload, {})
    this.file.sync()
    return entry
  }

  notice(text: string): void {
    this.write({ kind: 'notice', text }, {})
  }

  /** Writes the end of a turn; the result is answered for its prompt id from now on. */
  endTurn(result: TurnResult): void {
    const { promptId, outcome, message, retryable } = result
    this.write({ kind: 'turn_end', promptId, outcome, message }, { retryable })
    this.file.sync()
  }

  /** Entries after a number, oldest first, at most `limit` and about 256 KiB; empty when there are none. */
  async readAfter(sequence: number, limit: number): Promise<JournalEntry[]> {
    const recent = this.tail.after(sequence, this.last)
    const entries: JournalEntry[] = []
    let characters = 0
    for await (const entry of recent ?? this.stored(sequence)) {
      entries.push(entry)
      characters += JSON.stringify(entry).length
      if (entries.length >= limit || characters >= batchCharacters) break
    }
    return entries
  }

  /**
   * The control plane has more of this journal than the volume, which is an older or a new one: numbering goes on after that. What this start
   * wrote under numbers that were taken was not stored, and is written again.
   */
  skipTo(sequence: number): void {
    if (sequence <= this.last) return
    const unstored = this.tail.since(this.history.lastAtOpening).map(({ payload }) => {
      // An end is more than its entry says.
      const end = payload.kind === 'turn_end' ? this.find(payload.promptId)?.end : undefined
      return end ? () => this.endTurn(end.result) : () => this.append(payload)
    })
    this.history.last = sequence
    for (const writeAgain of unstored) writeAgain()
  }

  /** Calls back after each entry. */
  onEntry(listener: () => void): void {
    this.listeners.add(listener)
  }

  close(): void {
    this.file.sync()
    this.file.close()
  }

  private write(payload: JournalPayload, beyond: { retryable?: boolean }): JournalEntry {
    const entry: JournalEntry = { sequence: this.last + 1, at: new Date().toISOString(), payload: wellFormedJson(payload) }
    const line: JournalLine = { ...entry, ...beyond }
    const text = JSON.stringify(line)
    const offset = this.file.size
    this.file.append(text)
    this.history.take(line, offset)
    this.tail.push(entry, text.length)
    for (const listener of this.listeners) listener()
    return entry
  }

  private async *stored(sequence: number): AsyncGenerator<JournalEntry> {
    for await (const { text } of this.file.lines(this.history.placeBefore(sequence))) {
      const line = parseLine(text)
      if (line === undefined || line.sequence <= sequence) continue
      yield { sequence: line.sequence, at: line.at, payload: line.payload }
    }
  }
}
