import type { SessionId } from '@helix/contract/ids'
import type { HostUp } from '@helix/contract/link'
import type { JournalEntry } from '@helix/contract/sessions'

/** Units: bytes of JSON. Beyond `keptBytes` the supervisor's journal file keeps the rest. */
const batchBytes = 512 * 1024
const keptBytes = 1024 * 1024
const batchEntries = 200
/** Units: milliseconds without an acknowledgement, after which everything unacknowledged is sent again. */
const resendAfterMs = 15_000

/**
 * An entry that fits into a frame: the other side ends a connection that brings a larger one, for ever. What is cut are the longest texts, and they say
 * so.
 */
export function fit(entry: JournalEntry): { entry: JournalEntry; bytes: number } {
  let fitting = entry
  let bytes = Buffer.byteLength(JSON.stringify(entry))
  for (let longest = 64 * 1024; bytes > batchBytes; longest /= 2) {
    fitting = { ...entry, payload: cut(entry.payload, longest) }
    bytes = Buffer.byteLength(JSON.stringify(fitting))
  }
  return { entry: fitting, bytes }
}

function cut<T>(value: T, longest: number): T {
  if (typeof value === 'string') return (value.length <= longest ? value : `${value.slice(0, longest).toWellFormed()}…`) as T
  if (Array.isArray(value)) return value.map((one) => cut(one, longest)) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, cut(one, longest)])) as T
}

export interface JournalSource {
  /** Entries up to here are stored. */
  acknowledge(upTo: number): void
  /** Send again everything that is not acknowledged. */
  restart(): void
}

/** Carries one session's journal up: keeps what is not acknowledged, in bounded memory, and passes acknowledgements down. */
export class JournalForwarder {
  private readonly session: { sessionId: SessionId; epoch: number }
  private readonly send: (frame: HostUp) => boolean
  private readonly source: JournalSource
  private kept: { entry: JournalEntry; bytes: number }[] = []
  private bytes = 0
  /** Entries were left out because there was no room; the source has them. */
  private leftOut = false
  private acknowledgedUpTo = 0
  private sentUpTo = 0
  private progressAt = Date.now()

  constructor(session: { sessionId: SessionId; epoch: number }, send: (frame: HostUp) => boolean, source: JournalSource) {
    this.session = session
    this.send = send
    this.source = source
  }

  /** Nothing waits for its acknowledgement. */
  get drained(): boolean {
    return this.kept.length === 0 && !this.leftOut
  }

  accept(entries: readonly JournalEntry[]): void {
    for (const entry of entries) {
      const newest = this.kept.at(-1)?.entry.sequence ?? this.acknowledgedUpTo
      if (this.leftOut || entry.sequence <= newest) continue
      const { entry: fitting, bytes } = fit(entry)
      if (this.kept.length > 0 && this.bytes + bytes > keptBytes) {
        this.leftOut = true
        continue
      }
      if (this.kept.length === 0) this.progressAt = Date.now()
      this.kept.push({ entry: fitting, bytes })
      this.bytes += bytes
    }
    this.pump()
  }

  acknowledged(upTo: number): void {
    if (upTo <= this.acknowledgedUpTo) return
    this.acknowledgedUpTo = upTo
    this.progressAt = Date.now()
    const first = this.kept.findIndex(({ entry }) => entry.sequence > upTo)
    const gone = this.kept.splice(0, first === -1 ? this.kept.length : first)
    this.bytes -= gone.reduce((sum, { bytes }) => sum + bytes, 0)
    this.source.acknowledge(upTo)
    if (this.kept.length > 0 || !this.leftOut) return
    this.leftOut = false
    this.source.restart()
  }

  /** The link is new: what the old one carried may be lost. */
  resend(): void {
    this.sentUpTo = this.acknowledgedUpTo
    this.progressAt = Date.now()
    this.pump()
  }

  /** Called every few seconds. */
  tick(): void {
    if (this.kept.length > 0 && Date.now() - this.progressAt > resendAfterMs) this.resend()
    else this.pump()
  }

  private pump(): void {
    for (;;) {
      const batch = this.nextBatch()
      const last = batch.at(-1)
      if (last === undefined || !this.send({ type: 'journal', ...this.session, entries: batch })) return
      this.sentUpTo = last.sequence
    }
  }

  private nextBatch(): JournalEntry[] {
    const batch: JournalEntry[] = []
    let bytes = 0
    for (const one of this.kept) {
      if (one.entry.sequence <= this.sentUpTo) continue
      if (batch.length === batchEntries || (batch.length > 0 && bytes + one.bytes > batchBytes)) break
      batch.push(one.entry)
      bytes += one.bytes
    }
    return batch
  }
}
