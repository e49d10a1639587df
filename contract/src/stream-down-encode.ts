import { flag, messageType } from './stream.ts'
import { headBytes, short, start, writeMicros } from './stream-bytes.ts'
import {
  type Audio,
  audioHead,
  type Clipboard,
  type CursorMove,
  type CursorShape,
  clipboardHead,
  cursorHead,
  type Frame,
  frameHead,
  type Pong,
  type Still,
  stillHead,
} from './stream-down.ts'

/* What a source writes. Each copies the bytes it carries once: who forwards a message sends the bytes it came in. */

export function encodeFrame(of: Omit<Frame, 'type'>): Uint8Array<ArrayBuffer> {
  const flags = (of.key ? flag.key : 0) | (of.refinement ? flag.refinement : 0)
  const { bytes, view } = start(messageType.frame, flags, 16 + of.unit.byteLength)
  view.setUint16(2, of.width)
  view.setUint16(4, of.height)
  view.setUint32(6, of.sequence)
  writeMicros(view, 10, of.capturedUs)
  bytes.set(of.unit, frameHead)
  return bytes
}

export function encodeCursorShape(of: Omit<CursorShape, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.cursorShape, of.hidden ? flag.hidden : 0, 12 + of.pixels.byteLength)
  view.setUint16(2, of.width)
  view.setUint16(4, of.height)
  view.setInt16(6, of.hotX)
  view.setInt16(8, of.hotY)
  view.setUint32(10, of.serial)
  bytes.set(of.pixels, cursorHead)
  return bytes
}

export function encodeCursorMove({ x, y }: Omit<CursorMove, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.cursorMove, 0, 4)
  view.setInt16(2, short(x))
  view.setInt16(4, short(y))
  return bytes
}

export function encodeAudio(of: Omit<Audio, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.audio, 0, 12 + of.packet.byteLength)
  view.setUint32(2, of.sequence)
  writeMicros(view, 6, of.capturedUs)
  bytes.set(of.packet, audioHead)
  return bytes
}

export function encodeClipboard(of: Omit<Clipboard, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes } = start(messageType.clipboard, 0, 1 + of.bytes.byteLength)
  bytes[headBytes] = of.kind === 'text' ? 0 : 1
  bytes.set(of.bytes, clipboardHead)
  return bytes
}

export function encodeStill(of: Omit<Still, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.still, 0, 20 + of.jpeg.byteLength)
  view.setUint16(2, of.width)
  view.setUint16(4, of.height)
  view.setUint32(6, of.sequence)
  writeMicros(view, 10, of.capturedUs)
  view.setUint32(18, of.requestId)
  bytes.set(of.jpeg, stillHead)
  return bytes
}

export function encodePong({ clientUs, serverUs }: Omit<Pong, 'type'>): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.pong, 0, 16)
  writeMicros(view, 2, clientUs)
  writeMicros(view, 10, serverUs)
  return bytes
}
