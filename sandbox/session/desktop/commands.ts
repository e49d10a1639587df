import { encodeStillRequest } from '@helix/contract/stream-capture'

/* Messages to our own programs beside those of the contract: nobody else speaks them. See capture/wire.h. */
const taken = 68
const releaseAll = 69
const clipboardWanted = 70
/** From helix-capture: something on the screen changed. */
export const changedType = 82
/** From helix-capture: the size that the screen has. */
export const sizeType = 83
/** From helix-input: flag of a clipboard that was asked for. */
export const answerFlag = 1

/** All frames up to this one are where they were to go. */
export function encodeTaken(sequence: number): Uint8Array {
  const bytes = new Uint8Array(6)
  bytes[0] = taken
  new DataView(bytes.buffer).setUint32(2, sequence)
  return bytes
}

/** Keys and buttons that are down come up. */
export const encodeReleaseAll = (): Uint8Array => Uint8Array.of(releaseAll, 0)

export const encodeClipboardWanted = (): Uint8Array => Uint8Array.of(clipboardWanted, 0)

/** Changes are told, whether or not somebody watches. */
export const encodeTellChanges = (on: boolean): Uint8Array => Uint8Array.of(71, 0, on ? 1 : 0)

export interface StillWish {
  maxWidth: number
  maxHeight: number
  quality: number
  /** Units: pixels of the screen; absent: all of it. */
  region?: { x: number; y: number; width: number; height: number }
}

export function encodeStill(requestId: number, { region, ...wish }: StillWish): Uint8Array {
  const plain = encodeStillRequest({ requestId, ...wish })
  if (region === undefined) return plain
  const bytes = new Uint8Array(plain.byteLength + 8)
  bytes.set(plain)
  const view = new DataView(bytes.buffer)
  for (const [at, value] of [region.x, region.y, region.width, region.height].entries()) view.setUint16(plain.byteLength + 2 * at, value)
  return bytes
}
