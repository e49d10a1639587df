import { messageType, type Refused, refused, streamLimits } from './stream.ts'
import { decodeWith, headBytes, type Kind, start } from './stream-bytes.ts'
import { decodeDown, type StreamDown } from './stream-down.ts'

/**
 * Between a supervisor and its native programs the messages of the wire go over standard input and output, each after its length (`u32`,
 * without itself); besides them these.
 */
export interface CaptureStatus {
  type: 'status'
  /** JSON: `{encoder, codec, width, height}`. */
  bytes: Uint8Array
}

export interface CaptureLog {
  type: 'log'
  bytes: Uint8Array
}

const told = (type: 'status' | 'log'): Kind<CaptureStatus | CaptureLog> => ({
  least: headBytes,
  most: headBytes + streamLimits.talkBytes,
  read: (_, __, bytes) => ({ type, bytes: bytes.subarray(headBytes) }),
})

const kinds = new Map([
  [messageType.captureStatus as number, told('status')],
  [messageType.captureLog as number, told('log')],
])

/** What a program answers. */
export function decodeCaptured(bytes: Uint8Array): StreamDown | CaptureStatus | CaptureLog | Refused {
  const said = decodeWith(kinds, bytes)
  return said.type === 'refused' && said.code === 'unknown_type' ? decodeDown(bytes) : said
}

export const encodeKeyframe = (): Uint8Array<ArrayBuffer> => start(messageType.encodeKeyframe, 0, 0).bytes

/** `crf`: of x264, 0 to 51; `scalePercent`: of the picture against the screen. */
export function encodeRate(of: { kbps: number; fps: number; scalePercent: number; crf: number }): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.encodeRate, 0, 9)
  view.setUint32(2, of.kbps)
  view.setUint16(6, of.fps)
  view.setUint16(8, of.scalePercent)
  view.setUint8(10, of.crf)
  return bytes
}

export function encodeStillRequest(of: {
  requestId: number
  maxWidth: number
  maxHeight: number
  quality: number
}): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.encodeStill, 0, 9)
  view.setUint32(2, of.requestId)
  view.setUint16(6, of.maxWidth)
  view.setUint16(8, of.maxHeight)
  view.setUint8(10, of.quality)
  return bytes
}

/** False: the capture rests, and costs nothing. */
export function encodeRun(on: boolean): Uint8Array<ArrayBuffer> {
  const { bytes, view } = start(messageType.encodeRun, 0, 1)
  view.setUint8(2, on ? 1 : 0)
  return bytes
}

/** The message with its length before it. */
export function withLength(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + message.byteLength)
  new DataView(bytes.buffer).setUint32(0, message.byteLength)
  bytes.set(message, 4)
  return bytes
}

/** Cuts what a program writes into messages. Holds one message at most; a length over the limit is refused once, and nothing is read after it. */
export class LengthReader {
  private readonly most: number
  private head = new Uint8Array(4)
  private headAt = 0
  private body: Uint8Array<ArrayBuffer> | null = null
  private bodyAt = 0
  private broken = false

  constructor(most: number = streamLimits.downBytes) {
    this.most = most
  }

  /** Each message has memory of its own, so that it may be kept. */
  *read(chunk: Uint8Array): Generator<Uint8Array<ArrayBuffer> | Refused> {
    for (let at = 0; at < chunk.byteLength && !this.broken; ) {
      if (this.body === null) {
        const taken = Math.min(4 - this.headAt, chunk.byteLength - at)
        this.head.set(chunk.subarray(at, at + taken), this.headAt)
        this.headAt += taken
        at += taken
        if (this.headAt < 4) return
        const length = new DataView(this.head.buffer).getUint32(0)
        if (length > this.most || length < headBytes) {
          this.broken = true
          yield refused(length < headBytes ? 'too_short' : 'too_long', `a message of ${length} bytes`)
          return
        }
        this.body = new Uint8Array(length)
        this.bodyAt = 0
      }
      const taken = Math.min(this.body.byteLength - this.bodyAt, chunk.byteLength - at)
      this.body.set(chunk.subarray(at, at + taken), this.bodyAt)
      this.bodyAt += taken
      at += taken
      if (this.bodyAt < this.body.byteLength) return
      const message = this.body
      this.body = null
      this.headAt = 0
      yield message
    }
  }
}
