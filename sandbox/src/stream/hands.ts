import { encodeKey, encodePointer, type StreamUp } from '@helix/contract/stream-up'

/** Nobody has more keys down; who says so is not believed. */
const mostKeys = 64

/** What whoever drives holds down, so that nothing stays down when they go. */
export class Hands {
  private readonly keys = new Set<number>()
  private buttons = 0
  private at = { x: 0, y: 0 }

  note(message: StreamUp): void {
    if (message.type === 'key') {
      if (!message.down) this.keys.delete(message.keysym)
      else if (this.keys.size < mostKeys) this.keys.add(message.keysym)
    }
    if (message.type !== 'pointer') return
    this.buttons = message.buttons
    if (!message.relative) this.at = { x: message.x, y: message.y }
  }

  /** Messages that let everything go. */
  release(): Uint8Array[] {
    const keys = [...this.keys].map((keysym) => encodeKey({ keysym, down: false }))
    const pointer = this.buttons === 0 ? [] : [encodePointer({ ...this.at, buttons: 0, relative: false })]
    this.keys.clear()
    this.buttons = 0
    return [...keys, ...pointer]
  }
}
