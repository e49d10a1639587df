import type { FileHandle } from 'node:fs/promises'
import { stillMs } from '@helix/contract/recordings'
import { boxHead, type Fragment, mostSamples, readBox, readFragment } from '@helix/contract/segment-bytes'
import { mostInitBytes, readInit } from '@helix/contract/segment-init'

/** Units: microseconds; bytes. */
export interface SegmentFacts {
  durationUs: number
  movingUs: number
  /** Milliseconds from the start, and for how long. */
  stills: [number, number][]
  width: number
  height: number
  bytes: number
  initBytes: number
  pictures: number
}

const stillUs = stillMs * 1000
const mostMoofBytes = 128 + mostSamples * 12
/** Of one segment: what a database row and a page can carry. */
const mostStills = 200
const mostDurationUs = 3600 * 1_000_000

/** How long a picture is shown where stills are skipped. */
export const movingOf = (durationUs: number): number => Math.min(durationUs, stillUs)

export interface Place {
  fragment: Fragment
  /** Units: bytes from the start of the file. */
  at: number
  moofBytes: number
  /** With its head. */
  mdatBytes: number
}

async function piece(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

/** Units: bytes of `ftyp` and `moov`; null: the file does not begin with them. */
async function headOf(file: FileHandle): Promise<Buffer | null> {
  const ftyp = readBox(await piece(file, 0, boxHead))
  if (ftyp?.type !== 'ftyp' || ftyp.size > mostInitBytes) return null
  const moov = readBox(await piece(file, ftyp.size, boxHead))
  if (moov?.type !== 'moov' || ftyp.size + moov.size > mostInitBytes) return null
  return piece(file, 0, ftyp.size + moov.size)
}

/** The fragments behind the head of a file, which is read in small pieces. Ends without a word where something else stands. */
export async function* fragmentsOf(file: FileHandle, from: number): AsyncGenerator<Place & { moof: Buffer }> {
  for (let at = from; ; ) {
    const head = readBox(await piece(file, at, boxHead))
    if (head?.type !== 'moof' || head.size > mostMoofBytes) return
    const moof = await piece(file, at, head.size)
    const fragment = readFragment(moof)
    const mdat = readBox(await piece(file, at + head.size, boxHead))
    if (fragment === null || mdat?.type !== 'mdat') return
    yield { fragment, at, moofBytes: head.size, mdatBytes: mdat.size, moof }
    at += head.size + mdat.size
  }
}

/** Looks a whole file through; a sentence when it is none that a host writes. Players are given nothing that was not looked at. */
export async function examine(file: FileHandle): Promise<SegmentFacts | string> {
  const { size: bytes } = await file.stat()
  const head = await headOf(file)
  const init = head === null ? null : readInit(head)
  if (head === null || init === null || init.width === 0 || init.height === 0) return 'The file does not begin with a track of H.264.'
  const facts = { durationUs: 0, movingUs: 0, stills: [] as [number, number][], pictures: 0 }
  let end = head.length
  for await (const { fragment, at, moofBytes, mdatBytes } of fragmentsOf(file, head.length)) {
    const { samples, base } = fragment
    if (facts.pictures === 0 && (samples[0]?.key !== true || base !== 0)) return 'The segment does not begin with a key frame.'
    if (base !== facts.durationUs) return `The times of the segment have a gap at byte ${at}.`
    if (samples.reduce((sum, { size }) => sum + size, boxHead) !== mdatBytes) return `The sizes of the fragment at byte ${at} are wrong.`
    for (const { duration } of samples) {
      if (duration > stillUs && facts.stills.length < mostStills) facts.stills.push([facts.durationUs / 1000, duration / 1000])
      facts.durationUs += duration
      facts.movingUs += movingOf(duration)
    }
    facts.pictures += samples.length
    end = at + moofBytes + mdatBytes
  }
  if (facts.pictures === 0 || end !== bytes) return `The file ends in the middle of a fragment, at byte ${end} of ${bytes}.`
  if (facts.durationUs > mostDurationUs) return 'The segment is longer than an hour.'
  const { width, height } = init
  return { ...facts, width, height, bytes, initBytes: head.length }
}
