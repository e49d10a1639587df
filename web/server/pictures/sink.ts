import type { PictureState } from '@helix/contract/desktop-pictures'
import type { SessionId } from '@helix/contract/ids'

/** One start of one session, by the number that whoever wants its pictures gave it. */
export interface Wanted {
  n: number
  sessionId: SessionId
  epoch: number
}

/** Who gets pictures. `bytes`: a `still` message whose `requestId` is anybody’s: see `numbered`. */
export interface Sink {
  picture(n: number, bytes: Uint8Array): void
  state(n: number, state: PictureState): void
}

/** Where pictures of one host come from. */
export interface Line {
  /** All that is wanted from now on. */
  want(items: readonly Wanted[]): void
  end(): void
  /** False: it broke; another one is to be opened. */
  readonly open: boolean
}

/** Units: bytes before it in a `still` message. */
const requestAt = 18

/** The message under another number: it is shared, and whoever sends it has a copy. */
export function numbered(bytes: Uint8Array, n: number): Uint8Array<ArrayBuffer> {
  const copy = Uint8Array.from(bytes)
  new DataView(copy.buffer).setUint32(requestAt, n)
  return copy
}
