import type { Point } from './geometry.ts'

export type TouchAct = { kind: 'pointer'; at: Point; buttons: number } | { kind: 'scroll'; dx: number; dy: number }

/** Units: CSS pixels a finger may stray and still rest; milliseconds until a rest is the other button. */
const strayPixels = 10
export const holdMs = 500

const [left, right] = [1, 4]

/** Fingers as a pointer: a tap is a click, a long rest the right button, a moving finger drags, two fingers scroll. Points are of the window. */
export class Touches {
  private readonly fingers = new Map<number, Point>()
  private began: Point | null = null
  private mode: 'none' | 'resting' | 'dragging' | 'scrolling' | 'spent' = 'none'

  down(id: number, at: Point): TouchAct[] {
    this.fingers.set(id, at)
    if (this.fingers.size === 1) {
      this.began = at
      this.mode = 'resting'
      return [{ kind: 'pointer', at, buttons: 0 }]
    }
    const ended = this.mode === 'dragging' ? [this.pointer(0)] : []
    this.mode = 'scrolling'
    return ended
  }

  move(id: number, at: Point): TouchAct[] {
    const before = this.fingers.get(id)
    if (before === undefined) return []
    this.fingers.set(id, at)
    if (this.mode === 'scrolling') {
      const share = this.fingers.size
      return [{ kind: 'scroll', dx: (before.x - at.x) / share, dy: (before.y - at.y) / share }]
    }
    if (this.mode === 'resting' && this.strayed(at)) {
      this.mode = 'dragging'
      return [{ kind: 'pointer', at: this.began ?? at, buttons: left }, this.pointer(left)]
    }
    return this.mode === 'dragging' ? [this.pointer(left)] : []
  }

  /** To be told `holdMs` after a finger came down. */
  held(): TouchAct[] {
    if (this.mode !== 'resting') return []
    this.mode = 'spent'
    return [this.pointer(right), this.pointer(0)]
  }

  up(id: number): TouchAct[] {
    if (!this.fingers.has(id)) return []
    const { mode } = this
    const acts = mode === 'resting' ? [this.pointer(left), this.pointer(0)] : mode === 'dragging' ? [this.pointer(0)] : []
    this.fingers.delete(id)
    if (this.fingers.size === 0) this.mode = 'none'
    else if (mode !== 'scrolling') this.mode = 'spent'
    return acts
  }

  /** The browser took the fingers away: nothing stays pressed. */
  cancel(): TouchAct[] {
    const acts = this.mode === 'dragging' ? [this.pointer(0)] : []
    this.fingers.clear()
    this.mode = 'none'
    return acts
  }

  private strayed(at: Point): boolean {
    return this.began !== null && Math.hypot(at.x - this.began.x, at.y - this.began.y) > strayPixels
  }

  private pointer(buttons: number): TouchAct {
    const [at] = this.fingers.values()
    return { kind: 'pointer', at: at ?? this.began ?? { x: 0, y: 0 }, buttons }
  }
}
