import { setTimeout as sleep } from 'node:timers/promises'
import { type PictureState, pictureLimits } from '@helix/contract/desktop-pictures'
import { decodeDown } from '@helix/contract/stream-down'
import type { Peeked } from './peek.ts'

/** Units: milliseconds. What has no pictures now may have some when it was started again. */
const againMs = 5000
/** Units: bytes before it in a `still` message. */
const requestAt = 18

export interface PictureWatchInput {
  n: number
  /** Null: no such start of a session is here. */
  peek(have: string, signal: AbortSignal): Promise<Peeked> | null
  /** False: not now. */
  picture(bytes: Uint8Array): boolean
  told(state: PictureState): void
  everyMs?: number
}

/** One desktop that somebody looks at from far: a picture when something changed, at most one in two seconds. */
export class PictureWatch {
  private readonly input: PictureWatchInput
  private readonly over = new AbortController()
  private state: PictureState | null = null

  constructor(input: PictureWatchInput) {
    this.input = input
    this.run().catch(() => this.tell('none'))
  }

  end(): void {
    this.over.abort()
  }

  private async run(): Promise<void> {
    const { signal } = this.over
    const everyMs = this.input.everyMs ?? pictureLimits.everyMs
    for (let have = ''; !signal.aborted; ) {
      const began = performance.now()
      const peeked = await this.peek(have)
      if (signal.aborted) return
      // What was not taken is asked for again.
      const shown = peeked.bytes === null || this.show(peeked.bytes)
      if (shown) have = peeked.have
      if (peeked.state === 'off' || peeked.state === 'none') this.tell(peeked.state)
      const restMs = peeked.state === 'none' ? againMs : everyMs - (performance.now() - began)
      if (peeked.state !== 'same') await sleep(Math.max(0, restMs), undefined, { signal, ref: false }).catch(() => undefined)
    }
  }

  private async peek(have: string): Promise<Peeked> {
    const none: Peeked = { state: 'none', have: '', bytes: null }
    try {
      return (await this.input.peek(have, this.over.signal)) ?? none
    } catch {
      // Its machine goes or comes; the next look tells.
      return none
    }
  }

  private show(bytes: Uint8Array): boolean {
    const still = decodeDown(bytes)
    if (still.type !== 'still' || still.jpeg[0] !== 0xff || still.jpeg[1] !== 0xd8) return true
    const copy = Uint8Array.from(bytes)
    new DataView(copy.buffer).setUint32(requestAt, this.input.n)
    if (!this.input.picture(copy)) return false
    this.state = 'live'
    return true
  }

  private tell(state: PictureState): void {
    if (this.state === state) return
    this.state = state
    this.input.told(state)
  }
}
