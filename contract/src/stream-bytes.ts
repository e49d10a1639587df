import { type Refused, refused } from './stream.ts'

/** Units: bytes before the payload of every message. */
export const headBytes = 2

/** How one kind of message stands in bytes. Lengths count the whole message; `read` is asked only when they hold. */
export interface Kind<T> {
  least: number
  most: number
  read(view: DataView, flags: number, bytes: Uint8Array): T | Refused
}

/** Total: whatever the bytes are, the answer is a message or a refusal, and nothing is kept or copied. */
export function decodeWith<T>(kinds: ReadonlyMap<number, Kind<T>>, bytes: Uint8Array): T | Refused {
  const [type, flags] = bytes
  if (type === undefined || flags === undefined) return refused('too_short', `${bytes.byteLength} bytes are no message`)
  const kind = kinds.get(type)
  if (kind === undefined) return refused('unknown_type', `there is no message of type ${type} in this direction`)
  if (bytes.byteLength < kind.least) return refused('too_short', `type ${type} has ${kind.least} bytes, not ${bytes.byteLength}`)
  if (bytes.byteLength > kind.most) return refused('too_long', `type ${type} has at most ${kind.most} bytes, not ${bytes.byteLength}`)
  return kind.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), flags, bytes)
}

export const isRefused = (message: { type: string }): message is Refused => message.type === 'refused'

/** A message with room for `payload` bytes. */
export function start(type: number, flags: number, payload: number): { bytes: Uint8Array<ArrayBuffer>; view: DataView } {
  const bytes = new Uint8Array(headBytes + payload)
  bytes[0] = type
  bytes[1] = flags
  return { bytes, view: new DataView(bytes.buffer) }
}

/** Microseconds fit a number until the year 2255; what lies behind is cut to the greatest that does. */
export function readMicros(view: DataView, at: number): number {
  return Math.min(view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4), Number.MAX_SAFE_INTEGER)
}

export function writeMicros(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 4, value % 2 ** 32)
}

/** Kept inside what an i16 holds. */
export const short = (value: number): number => Math.max(-32_768, Math.min(32_767, Math.round(value)))
