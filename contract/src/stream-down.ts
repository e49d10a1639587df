import { flag, messageType, type Refused, refused, streamLimits } from './stream.ts'
import { decodeWith, headBytes, type Kind, readMicros } from './stream-bytes.ts'

/** One picture. `unit`: the H.264 access unit in Annex B. */
export interface Frame {
  type: 'frame'
  /** It needs none before it. */
  key: boolean
  /** The same still screen, sharper. */
  refinement: boolean
  width: number
  height: number
  /** Rises by one with each frame; after a wrap or a start anew a key frame comes first. */
  sequence: number
  /** Units: unix microseconds by the clock of the session’s host. */
  capturedUs: number
  unit: Uint8Array
}

/** `pixels`: RGBA, straight alpha, by rows; empty while the pointer is hidden. */
export interface CursorShape {
  type: 'cursorShape'
  hidden: boolean
  width: number
  height: number
  hotX: number
  hotY: number
  serial: number
  pixels: Uint8Array
}

/** Units: pixels of the screen, whatever the scale of the picture. */
export interface CursorMove {
  type: 'cursorMove'
  x: number
  y: number
}

/** `packet`: Opus, 48 kHz, stereo, 20 ms. */
export interface Audio {
  type: 'audio'
  sequence: number
  capturedUs: number
  packet: Uint8Array
}

export interface Clipboard {
  type: 'clipboard'
  kind: 'text' | 'png'
  bytes: Uint8Array
}

/** A JPEG, for who asked for one. `sequence`: of the frame it shows. */
export interface Still {
  type: 'still'
  width: number
  height: number
  sequence: number
  capturedUs: number
  requestId: number
  jpeg: Uint8Array
}

/** Units: microseconds: the ping’s own, and the host’s clock when it answered. */
export interface Pong {
  type: 'pong'
  clientUs: number
  serverUs: number
}

/** What a host sends to viewers; a supervisor sends the same to its host, but for `pong`. */
export type StreamDown = Frame | CursorShape | CursorMove | Audio | Clipboard | Still | Pong

/** Where the bytes that a message carries begin in it. */
export const frameHead = headBytes + 16
export const stillHead = headBytes + 20
export const cursorHead = headBytes + 12
export const audioHead = headBytes + 12
export const clipboardHead = headBytes + 1

const frame: Kind<StreamDown> = {
  least: frameHead + 1,
  most: streamLimits.downBytes,
  read(view, flags, bytes) {
    const [width, height] = [view.getUint16(2), view.getUint16(4)]
    if (width === 0 || height === 0) return refused('bad_value', 'a frame without an extent')
    return {
      type: 'frame',
      key: (flags & flag.key) !== 0,
      refinement: (flags & flag.refinement) !== 0,
      width,
      height,
      sequence: view.getUint32(6),
      capturedUs: readMicros(view, 10),
      unit: bytes.subarray(frameHead),
    }
  },
}

const cursorShape: Kind<StreamDown> = {
  least: cursorHead,
  most: cursorHead + streamLimits.cursorSide ** 2 * 4,
  read(view, flags, bytes) {
    const [width, height, hidden] = [view.getUint16(2), view.getUint16(4), (flags & flag.hidden) !== 0]
    const pixels = bytes.subarray(cursorHead)
    if (width > streamLimits.cursorSide || height > streamLimits.cursorSide) return refused('bad_value', 'a cursor over 256 pixels')
    if (pixels.byteLength !== (hidden ? 0 : width * height * 4)) return refused('bad_value', 'the pixels of a cursor do not fill it')
    return {
      type: 'cursorShape',
      hidden,
      width,
      height,
      hotX: view.getInt16(6),
      hotY: view.getInt16(8),
      serial: view.getUint32(10),
      pixels,
    }
  },
}

const cursorMove: Kind<StreamDown> = {
  least: headBytes + 4,
  most: headBytes + 4,
  read: (view) => ({ type: 'cursorMove', x: view.getInt16(2), y: view.getInt16(4) }),
}

const audio: Kind<StreamDown> = {
  least: audioHead + 1,
  most: audioHead + streamLimits.audioBytes,
  read: (view, _, bytes) => ({
    type: 'audio',
    sequence: view.getUint32(2),
    capturedUs: readMicros(view, 6),
    packet: bytes.subarray(audioHead),
  }),
}

/** Stands in both directions. */
export const clipboard: Kind<Clipboard> = {
  least: clipboardHead,
  most: clipboardHead + streamLimits.clipboardBytes,
  read(_, __, bytes) {
    const kind = bytes[headBytes]
    if (kind !== 0 && kind !== 1) return refused('bad_value', `a clipboard of kind ${kind}`)
    return { type: 'clipboard', kind: kind === 0 ? 'text' : 'png', bytes: bytes.subarray(clipboardHead) }
  },
}

const still: Kind<StreamDown> = {
  least: stillHead + 1,
  most: streamLimits.downBytes,
  read: (view, _, bytes) => ({
    type: 'still',
    width: view.getUint16(2),
    height: view.getUint16(4),
    sequence: view.getUint32(6),
    capturedUs: readMicros(view, 10),
    requestId: view.getUint32(18),
    jpeg: bytes.subarray(stillHead),
  }),
}

const pong: Kind<StreamDown> = {
  least: headBytes + 16,
  most: headBytes + 16,
  read: (view) => ({ type: 'pong', clientUs: readMicros(view, 2), serverUs: readMicros(view, 10) }),
}

const kinds = new Map<number, Kind<StreamDown>>([
  [messageType.frame, frame],
  [messageType.cursorShape, cursorShape],
  [messageType.cursorMove, cursorMove],
  [messageType.audio, audio],
  [messageType.clipboard, clipboard],
  [messageType.still, still],
  [messageType.pong, pong],
])

/** Pictures, pixels and packets in the answer are views of `bytes`. */
export const decodeDown = (bytes: Uint8Array): StreamDown | Refused => decodeWith(kinds, bytes)
