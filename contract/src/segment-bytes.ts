import { readMicros, writeMicros } from './stream-bytes.ts'

/**
 * A recorded segment is a fragmented MP4 that plays by itself: `ftyp moov (moof mdat)+`, one H.264 track that begins with a key frame, times in
 * microseconds from its own start. Hosts write these and the control plane puts them together; the layout is fixed so that both find times at a place.
 */
export const segmentTimescale = 1_000_000
/**
 * Of films that are put together of segments. Players take an index to count as its track does, and one part of it, with the stillness behind it, may be
 * hours: in microseconds that would not fit.
 */
export const filmTimescale = 10_000

/** Units: bytes. */
export const boxHead = 8

export interface Box {
  type: string
  /** Units: bytes, its head among them. */
  size: number
}

/** Null: no box begins here. Boxes over 4 GB and those that end with their file are none of ours. */
export function readBox(head: Uint8Array): Box | null {
  if (head.byteLength < boxHead) return null
  const size = new DataView(head.buffer, head.byteOffset).getUint32(0)
  if (size < boxHead) return null
  return { type: String.fromCharCode(...head.subarray(4, 8)), size }
}

export type Part = Uint8Array | number[] | string

const bytesOf = (part: Part): ArrayLike<number> => (typeof part === 'string' ? [...part].map((letter) => letter.charCodeAt(0)) : part)

export function box(type: string, ...parts: Part[]): Uint8Array<ArrayBuffer> {
  const contents = parts.map(bytesOf)
  const made = new Uint8Array(boxHead + contents.reduce((sum, { length }) => sum + length, 0))
  new DataView(made.buffer).setUint32(0, made.byteLength)
  made.set(bytesOf(type), 4)
  let at = boxHead
  for (const content of contents) {
    made.set(content, at)
    at += content.length
  }
  return made
}

/** A box with a version and flags. */
export const fullBox = (type: string, version: number, flags: number, ...parts: Part[]): Uint8Array<ArrayBuffer> =>
  box(type, [version, ...u32(flags).slice(1)], ...parts)

export const u16 = (value: number): number[] => [(value >> 8) & 255, value & 255]
export const u32 = (value: number): number[] => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
export const u64 = (value: number): number[] => [...u32(Math.floor(value / 2 ** 32)), ...u32(value % 2 ** 32)]

/** One picture in a fragment. */
export interface Sample {
  /** Units: microseconds until the next. */
  duration: number
  /** Units: bytes. */
  size: number
  key: boolean
}

export interface Fragment {
  sequence: number
  /** Units: microseconds from the start of the track to the first picture. */
  base: number
  samples: Sample[]
}

/* Where things stand in a `moof` of ours: mfhd 16, traf head 8, tfhd 16, tfdt 20, then trun. */
const at = { sequence: 20, base: 60, run: 68, count: 80, dataOffset: 84, samples: 88 } as const
const sampleBytes = 12
const keyFlags = 0x0200_0000
const deltaFlags = 0x0101_0000
/** Of one fragment. */
export const mostSamples = 1024

export function writeFragment({ sequence, base, samples }: Fragment): Uint8Array<ArrayBuffer> {
  const size = at.samples + samples.length * sampleBytes
  const run = fullBox(
    'trun',
    0,
    0x701,
    u32(samples.length),
    u32(size + boxHead),
    samples.flatMap(({ duration, size, key }) => [...u32(duration), ...u32(size), ...u32(key ? keyFlags : deltaFlags)]),
  )
  return box(
    'moof',
    fullBox('mfhd', 0, 0, u32(sequence)),
    box('traf', fullBox('tfhd', 0, 0x02_0000, u32(1)), fullBox('tfdt', 1, 0, u64(base)), run),
  )
}

/** Null: not a `moof` of this layout. */
export function readFragment(moof: Uint8Array): Fragment | null {
  const view = new DataView(moof.buffer, moof.byteOffset, moof.byteLength)
  if (moof.byteLength < at.samples + sampleBytes || readBox(moof)?.type !== 'moof' || readBox(moof.subarray(at.run))?.type !== 'trun')
    return null
  const count = view.getUint32(at.count)
  if (count < 1 || count > mostSamples || moof.byteLength !== at.samples + count * sampleBytes) return null
  if (view.getUint32(at.run + boxHead) !== 0x701 || view.getUint32(at.dataOffset) !== moof.byteLength + boxHead) return null
  const samples = Array.from({ length: count }, (_, index) => {
    const place = at.samples + index * sampleBytes
    return { duration: view.getUint32(place), size: view.getUint32(place + 4), key: view.getUint32(place + 8) === keyFlags }
  })
  return { sequence: view.getUint32(at.sequence), base: readMicros(view, at.base), samples }
}

/** Writes other times into a `moof` of ours, in its place: its length stays. */
export function retime(moof: Uint8Array, to: { sequence: number; base: number; durations: readonly number[] }): void {
  const view = new DataView(moof.buffer, moof.byteOffset, moof.byteLength)
  view.setUint32(at.sequence, to.sequence)
  writeMicros(view, at.base, to.base)
  to.durations.forEach((duration, index) => {
    view.setUint32(at.samples + index * sampleBytes, duration)
  })
}
