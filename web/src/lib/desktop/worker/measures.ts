import type { Figures } from './talk.ts'

function middle(values: number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? null
}

/** Counts of one second, and those of the connection. */
export class Measures {
  private frames = 0
  private bytes = 0
  private decodes: number[] = []
  private glass: number[] = []
  private since = 0
  dropped = 0
  decoderErrors = 0
  refused = 0

  arrived(bytes: number): void {
    this.bytes += bytes
  }

  decoded(decodeMs: number, shown: boolean): void {
    if (shown) this.decodes.push(decodeMs)
    else this.dropped++
  }

  painted(glassMs: number | null): void {
    this.frames++
    if (glassMs !== null) this.glass.push(glassMs)
  }

  /** Answers for the time since the last answer, and begins anew. `now`: milliseconds. */
  take(now: number, rttMs: number | null, hardware: boolean): Figures {
    const seconds = Math.max(0.001, (now - this.since) / 1000)
    const { dropped, decoderErrors, refused } = this
    const counted = {
      fps: Math.round(this.frames / seconds),
      kbps: Math.round((this.bytes * 8) / 1000 / seconds),
      decodeMs: middle(this.decodes),
      glassMs: middle(this.glass),
    }
    this.since = now
    this.frames = 0
    this.bytes = 0
    this.decodes = []
    this.glass = []
    return { ...counted, rttMs, dropped, decoderErrors, refused, hardware }
  }
}
