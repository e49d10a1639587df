import type { StreamDown } from '@helix/contract/stream-down'

/** Units: bytes of a clipboard that is kept for whoever drives next. */
const keptClipboardBytes = 256 * 1024

/** What a desktop said last and who comes later has to know. Messages as they came. */
export class Keepsakes {
  private shape: Uint8Array | null = null
  private move: Uint8Array | null = null
  /** For who drives; null: there is none, or it is too large to keep. */
  clipboard: Uint8Array | null = null

  take(message: StreamDown, bytes: Uint8Array): void {
    if (message.type === 'cursorShape') this.shape = bytes
    else if (message.type === 'cursorMove') this.move = bytes
    else if (message.type === 'clipboard') this.clipboard = bytes.byteLength <= keptClipboardBytes ? bytes : null
  }

  get cursor(): Uint8Array[] {
    return [this.shape, this.move].filter((bytes) => bytes !== null)
  }
}
