import { flag, messageType, type Refused, streamLimits } from './stream.ts'
import { decodeWith, headBytes, type Kind, readMicros, short, start, writeMicros } from './stream-bytes.ts'
import { type Clipboard, clipboard } from './stream-down.ts'

/** The frame is decoded. */
export interface Ack {
  type: 'ack'
  sequence: number
  /** Units: microseconds from its arrival to then. */
  decodeUs: number
}

/** Units: pixels of the screen. Bits of `buttons`: left, middle, right, back, forward. */
export interface Pointer {
  type: 'pointer'
  x: number
  y: number
  buttons: number
  /** `x` and `y` say how far, and not where to. */
  relative: boolean
}

/** Units: 1/120 of a notch; down and right are positive. */
export interface Wheel {
  type: 'wheel'
  dx: number
  dy: number
}

/** `keysym`: of X11, as the person’s own layout gives it. */
export interface Key {
  type: 'key'
  keysym: number
  down: boolean
}

/** `bytes`: UTF-8 that an input method committed. */
export interface Text {
  type: 'text'
  bytes: Uint8Array
}

export interface Ping {
  type: 'ping'
  clientUs: number
}

/** What a viewer sends. A host passes `pointer`, `wheel`, `key`, `text` and `clipboard` of who has control to the supervisor as they are. */
export type StreamUp = Ack | Pointer | Wheel | Key | Text | Clipboard | Ping

const fixed = (payload: number, read: Kind<StreamUp>['read']): Kind<StreamUp> => ({
  least: headBytes + payload,
  most: headBytes + payload,
  read,
})

const kinds = new Map<number, Kind<StreamUp>>([
  [messageType.ack, fixed(8, (view) => ({ type: 'ack', sequence: view.getUint32(2), decodeUs: view.getUint32(6) }))],
  [
    messageType.pointer,
    fixed(5, (view, flags) => ({
      type: 'pointer',
      x: view.getInt16(2),
      y: view.getInt16(4),
      buttons: view.getUint8(6),
      relative: (flags & flag.relative) !== 0,
    })),
  ],
  [messageType.wheel, fixed(4, (view) => ({ type: 'wheel', dx: view.getInt16(2), dy: view.getInt16(4) }))],
  [messageType.key, fixed(4, (view, flags) => ({ type: 'key', keysym: view.getUint32(2), down: (flags & flag.down) !== 0 }))],
  [
    messageType.text,
    {
      least: headBytes + 1,
      most: headBytes + streamLimits.textBytes,
      read: (_, __, bytes) => ({ type: 'text', bytes: bytes.subarray(headBytes) }),
    },
  ],
  [messageType.clipboard, clipboard],
  [messageType.ping, fixed(8, (view) => ({ type: 'ping', clientUs: readMicros(view, 2) }))],
])

/** Bytes in the answer are views of `bytes`. */
export const decodeUp = (bytes: Uint8Array): StreamUp | Refused => decodeWith(kinds, bytes)

export function encodeAck({ sequence, decodeUs }: Omit<Ack, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.ack, 0, 8)
  view.setUint32(2, sequence)
  view.setUint32(6, Math.min(Math.round(decodeUs), 2 ** 32 - 1))
  return bytes
}

export function encodePointer({ x, y, buttons, relative }: Omit<Pointer, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.pointer, relative ? flag.relative : 0, 5)
  view.setInt16(2, short(x))
  view.setInt16(4, short(y))
  view.setUint8(6, buttons)
  return bytes
}

export function encodeWheel({ dx, dy }: Omit<Wheel, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.wheel, 0, 4)
  view.setInt16(2, short(dx))
  view.setInt16(4, short(dy))
  return bytes
}

export function encodeKey({ keysym, down }: Omit<Key, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.key, down ? flag.down : 0, 4)
  view.setUint32(2, keysym)
  return bytes
}

/** Longer text than `streamLimits.textBytes` is sent in several. */
export function encodeText({ bytes: text }: Omit<Text, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes } = start(messageType.text, 0, text.byteLength)
  bytes.set(text, headBytes)
  return bytes
}

export function encodePing({ clientUs }: Omit<Ping, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.ping, 0, 8)
  writeMicros(view, 2, clientUs)
  return bytes
}
