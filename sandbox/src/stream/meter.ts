import type { ViewerDown } from '@helix/contract/stream-talk'

/** Samples that a median is taken of. */
const most = 64

type Figures = Pick<Extract<ViewerDown, { type: 'stats' }>, 'fps' | 'kbps' | 'encodeMs' | 'ackMs'>

/** What went to one viewer since it was last asked. */
export class Meter {
  private frames = 0
  private bytes = 0
  private from = Date.now()
  private encodes: number[] = []
  private acks: number[] = []

  /** `encodeMs`: from the capture to here. */
  frame(bytes: number, encodeMs: number): void {
    this.frames += 1
    this.bytes += bytes
    if (this.encodes.length < most) this.encodes.push(encodeMs)
  }

  acknowledged(ms: number): void {
    if (this.acks.length < most) this.acks.push(ms)
  }

  read(now = Date.now()): Figures {
    const seconds = Math.max(0.001, (now - this.from) / 1000)
    const figures = {
      fps: round(this.frames / seconds),
      kbps: round((this.bytes * 8) / 1000 / seconds),
      encodeMs: round(Math.max(0, median(this.encodes))),
      ackMs: round(median(this.acks)),
    }
    Object.assign(this, { frames: 0, bytes: 0, from: now, encodes: [], acks: [] })
    return figures
  }
}

const round = (value: number): number => Math.round(value * 10) / 10

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
