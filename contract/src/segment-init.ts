import { box, boxHead, filmTimescale, fullBox, readBox, segmentTimescale, u16, u32, u64 } from './segment-bytes.ts'

/** What a decoder needs before the first picture. */
export interface Init {
  width: number
  height: number
  /** AVCDecoderConfigurationRecord. */
  avcC: Uint8Array
  /** Units: microseconds; 0: not known. */
  durationUs: number
}

const matrix = [0x1_0000, 0, 0, 0, 0x1_0000, 0, 0, 0, 0x4000_0000].flatMap(u32)
const zeros = (count: number): number[] => new Array<number>(count).fill(0)

function sampleTable({ width, height, avcC }: Init): Uint8Array {
  const entry = box(
    'avc1',
    zeros(6),
    u16(1),
    zeros(16),
    u16(width),
    u16(height),
    u32(0x48_0000),
    u32(0x48_0000),
    zeros(4),
    u16(1),
    zeros(32),
    u16(0x18),
    u16(0xffff),
    box('avcC', avcC),
  )
  return box(
    'stbl',
    fullBox('stsd', 0, 0, u32(1), entry),
    fullBox('stts', 0, 0, u32(0)),
    fullBox('stsc', 0, 0, u32(0)),
    fullBox('stsz', 0, 0, u32(0), u32(0)),
    fullBox('stco', 0, 0, u32(0)),
  )
}

function track(init: Init, timescale: number, duration: number): Uint8Array {
  const { width, height } = init
  const media = box(
    'mdia',
    fullBox('mdhd', 1, 0, u64(0), u64(0), u32(timescale), u64(duration), u16(0x55c4), u16(0)),
    fullBox('hdlr', 0, 0, u32(0), 'vide', zeros(12), 'Helix\0'),
    box('minf', fullBox('vmhd', 0, 1, zeros(8)), box('dinf', fullBox('dref', 0, 0, u32(1), fullBox('url ', 0, 1))), sampleTable(init)),
  )
  const head = fullBox(
    'tkhd',
    1,
    3,
    u64(0),
    u64(0),
    u32(1),
    u32(0),
    u64(duration),
    zeros(8),
    u16(0),
    u16(0),
    u16(0),
    u16(0),
    matrix,
    u32(width * 0x1_0000),
    u32(height * 0x1_0000),
  )
  return box('trak', head, media)
}

/** `ftyp` and `moov`, of a length that `durationUs` does not change. */
export function writeInit(init: Init, timescale: number = segmentTimescale): Uint8Array<ArrayBuffer> {
  const duration = Math.round((init.durationUs * timescale) / 1_000_000)
  const ftyp = box('ftyp', 'iso5', u32(512), 'iso5', 'iso6', 'avc1', 'mp41')
  const moov = box(
    'moov',
    fullBox('mvhd', 1, 0, u64(0), u64(0), u32(timescale), u64(duration), u32(0x1_0000), u16(0x100), zeros(10), matrix, zeros(24), u32(2)),
    track(init, timescale, duration),
    box('mvex', fullBox('mehd', 1, 0, u64(duration)), fullBox('trex', 0, 0, u32(1), u32(1), u32(0), u32(0), u32(0))),
  )
  const made = new Uint8Array(ftyp.byteLength + moov.byteLength)
  made.set(ftyp)
  made.set(moov, ftyp.byteLength)
  return made
}

/** Units: bytes of a head of ours, at most. */
export const mostInitBytes = 4096
const containers = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl'])
/** Of `stsd` before its entry, and of `avc1` before its boxes. */
const [entriesHead, entryHead] = [boxHead + 8, boxHead + 78]

/** Finds size and decoder configuration; null: no head of ours. `head` is the whole of it. */
export function readInit(head: Uint8Array): Omit<Init, 'durationUs'> | null {
  const ftyp = readBox(head)
  if (ftyp?.type !== 'ftyp' || head.byteLength > mostInitBytes) return null
  let [place, end] = [ftyp.size, head.byteLength]
  let size: { width: number; height: number } | null = null
  for (let steps = 0; steps < 64 && place + boxHead <= end; steps += 1) {
    const one = readBox(head.subarray(place))
    if (one === null || place + one.size > end) return null
    const skipped = containers.has(one.type) ? boxHead : one.type === 'stsd' ? entriesHead : one.type === 'avc1' ? entryHead : null
    if (one.type === 'avc1' && one.size >= entryHead) {
      const view = new DataView(head.buffer, head.byteOffset + place)
      size = { width: view.getUint16(32), height: view.getUint16(34) }
    }
    if (one.type === 'avcC') return size === null ? null : { ...size, avcC: head.slice(place + boxHead, place + one.size) }
    if (skipped === null) place += one.size
    else [place, end] = [place + skipped, place + one.size]
  }
  return null
}

/** An index of a film’s parts, which each begin with a key frame: players seek by it. Units: bytes, and ticks of the film. */
export function writeIndex(parts: readonly { bytes: number; ticks: number }[]): Uint8Array<ArrayBuffer> {
  const references = parts.flatMap(({ bytes, ticks }) => [...u32(bytes), ...u32(ticks), ...u32(0x9000_0000)])
  return fullBox('sidx', 1, 0, u32(1), u32(filmTimescale), u64(0), u64(0), u16(0), u16(parts.length), references)
}
