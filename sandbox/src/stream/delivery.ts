import type { RateSample } from './rate.ts'

/** Units: bytes, frames and milliseconds that may be on the way to a viewer, or wait for it here. */
const most = { flyingBytes: 1024 * 1024, flying: 64, waitingBytes: 512 * 1024, waiting: 12, waitMs: 300 }
/** Units: milliseconds that a frame may be on its way over what the fastest need, before the next one waits. */
const slackMs = 80
const firstKeyPauseMs = 250
const longestKeyPauseMs = 8000

export interface Outgoing {
  key: boolean
  sequence: number
  /** The whole message, shared by all viewers. */
  bytes: Uint8Array
}

export interface Line {
  /** Units: milliseconds that the fastest frames take. */
  baseMs: number
  bearsKbps: number
}

/**
 * What of a session’s frames one viewer gets. Frames that are not acknowledged bound what is sent; a viewer that falls behind loses all frames until
 * the next key frame, which is asked for when it takes something again, and more seldom the more often that happens.
 */
export class Delivery {
  private readonly send: (frame: Outgoing) => void
  private readonly askKey: () => void
  private readonly line: () => Line
  private flying: { sequence: number; bytes: number; at: number }[] = []
  private flyingBytes = 0
  private waiting: { frame: Outgoing; at: number }[] = []
  private waitingBytes = 0
  private needsKey = true
  private keyAskedAt = Number.NEGATIVE_INFINITY
  private keyPauseMs = firstKeyPauseMs
  private heardAt = Number.NEGATIVE_INFINITY
  dropped = 0
  sent = 0
  sentBytes = 0

  constructor(input: { send(frame: Outgoing): void; askKey(): void; line(): Line }) {
    this.send = input.send
    this.askKey = input.askKey
    this.line = input.line
  }

  /** Frames sent and not acknowledged. */
  get queue(): number {
    return this.flying.length + this.waiting.length
  }

  /** Units: milliseconds for which it has acknowledged nothing though something was sent; 0: it keeps up. */
  silentMs(now: number): number {
    const oldest = this.flying[0]
    return oldest === undefined ? 0 : now - Math.max(oldest.at, this.heardAt)
  }

  /** The next frame would go out at once. */
  isOpen(now: number): boolean {
    const oldest = this.flying[0]
    if (oldest === undefined) return true
    if (this.flying.length >= most.flying || this.flyingBytes >= most.flyingBytes) return false
    const { baseMs, bearsKbps } = this.line()
    // A large frame takes its time on a narrow line, and is no queue.
    const carryMs = (oldest.bytes * 8) / Math.max(bearsKbps, 1)
    return now - oldest.at < baseMs + slackMs + carryMs
  }

  offer(now: number, frame: Outgoing): void {
    if (frame.key) {
      this.drop(this.waiting.length)
      this.needsKey = false
    } else if (this.needsKey) {
      this.dropped += 1
      return
    }
    this.waiting.push({ frame, at: now })
    this.waitingBytes += frame.bytes.byteLength
    this.flush(now)
    const first = this.waiting[0]
    if (first === undefined) return
    const late = now - first.at > most.waitMs || this.waiting.length > most.waiting
    if (late || (this.waiting.length > 1 && this.waitingBytes > most.waitingBytes)) {
      this.drop(this.waiting.length)
      this.needsKey = true
    }
  }

  /** Also what was sent before it is decoded. Null: no such frame is on its way. */
  acknowledged(now: number, sequence: number): RateSample | null {
    const index = this.flying.findLastIndex((one) => one.sequence === sequence)
    const frame = this.flying[index]
    if (frame === undefined) return null
    const taken = this.flying.splice(0, index + 1)
    const bytes = taken.reduce((sum, one) => sum + one.bytes, 0)
    this.flyingBytes -= bytes
    this.heardAt = now
    this.flush(now)
    if (this.needsKey && this.isOpen(now)) this.wantKey(now)
    else if (!this.needsKey && now - this.keyAskedAt > 2 * this.keyPauseMs) this.keyPauseMs = firstKeyPauseMs
    return { delayMs: now - frame.at, bytes }
  }

  /** Its decoder begins anew: nothing that is on its way counts. */
  restart(now: number): void {
    this.pause()
    this.wantKey(now)
  }

  /** Gets nothing until `restart`. */
  pause(): void {
    this.drop(this.waiting.length)
    this.flying = []
    this.flyingBytes = 0
    this.needsKey = true
  }

  /** A key frame that was asked for and did not come is asked for again. */
  look(now: number): void {
    this.flush(now)
    if (this.needsKey && this.isOpen(now)) this.wantKey(now)
  }

  private wantKey(now: number): void {
    if (now - this.keyAskedAt < this.keyPauseMs) return
    this.keyAskedAt = now
    this.keyPauseMs = Math.min(this.keyPauseMs * 2, longestKeyPauseMs)
    this.askKey()
  }

  private flush(now: number): void {
    while (this.waiting.length > 0 && this.isOpen(now)) {
      const next = this.waiting.shift()
      if (next === undefined) return
      const { frame } = next
      const bytes = frame.bytes.byteLength
      this.waitingBytes -= bytes
      this.flying.push({ sequence: frame.sequence, bytes, at: now })
      this.flyingBytes += bytes
      this.sent += 1
      this.sentBytes += bytes
      this.send(frame)
    }
  }

  private drop(count: number): void {
    this.dropped += count
    this.waiting = []
    this.waitingBytes = 0
  }
}
