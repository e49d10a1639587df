import type { FileHandle } from 'node:fs/promises'
import { filmTimescale, retime } from '@helix/contract/segment-bytes'
import { type Init, mostInitBytes, readInit, writeIndex, writeInit } from '@helix/contract/segment-init'
import { fragmentsOf, movingOf } from './segment.ts'

/** A segment as a film needs it. */
export interface FilmSource {
  startedUs: number
  durationUs: number
  movingUs: number
  width: number
  height: number
  bytes: number
  initBytes: number
  open(): Promise<FileHandle>
}

interface Part extends FilmSource {
  /** Units: microseconds from the start of the film. */
  baseUs: number
}

export type Stills = 'keep' | 'skip'

const headOf = async (source: FilmSource): Promise<Omit<Init, 'durationUs'>> => {
  await using file = await source.open()
  const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(source.initBytes, mostInitBytes)), 0)
  const init = readInit(buffer.subarray(0, bytesRead))
  if (init === null) throw new Error('a stored segment has no head')
  return init
}

/**
 * Segments as one MP4 that was never written: a head with an index, and the fragments with their times put right on the way. Its length is known before, so
 * that any part of it can be asked for; nothing of it is held but a fragment's head.
 */
export class Film {
  /** Units: bytes. */
  readonly size: number
  readonly durationUs: number
  private readonly head: Uint8Array
  private readonly parts: readonly Part[]
  private readonly stills: Stills

  private constructor(head: Uint8Array, parts: readonly Part[], stills: Stills) {
    this.head = head
    this.parts = parts
    this.stills = stills
    this.size = head.byteLength + parts.reduce((sum, part) => sum + bodyOf(part), 0)
    this.durationUs = endOf(parts, stills)
  }

  /** `sources`: at least one, in the order of time. What two tell of the same moment comes one after the other. */
  static async of(sources: readonly [FilmSource, ...FilmSource[]], stills: Stills): Promise<Film> {
    const parts: Part[] = []
    let end = 0
    for (const source of sources) {
      const baseUs = stills === 'skip' ? end : Math.max(end, source.startedUs - sources[0].startedUs)
      parts.push({ ...source, baseUs })
      end = baseUs + shownUs(source, stills)
    }
    const { avcC } = await headOf(sources[0])
    const [width, height] = [Math.max(...sources.map((one) => one.width)), Math.max(...sources.map((one) => one.height))]
    const init = writeInit({ avcC, width, height, durationUs: end }, filmTimescale)
    const index = writeIndex(
      parts.map((part, at) => ({ bytes: bodyOf(part), ticks: ticksOf(parts[at + 1]?.baseUs ?? end) - ticksOf(part.baseUs) })),
    )
    return new Film(Buffer.concat([init, index]), parts, stills)
  }

  /** The bytes from `from` to before `to`. Fails in the middle when a segment is gone by then. */
  async *read(from = 0, to = this.size): AsyncGenerator<Uint8Array> {
    if (from < this.head.byteLength) yield this.head.subarray(from, Math.min(to, this.head.byteLength))
    let at = this.head.byteLength
    for (const [index, part] of this.parts.entries()) {
      const end = at + bodyOf(part)
      if (end > from && at < to) yield* this.readPart(part, index, Math.max(0, from - at), Math.min(to, end) - at)
      at = end
    }
  }

  private async *readPart(part: Part, index: number, from: number, to: number): AsyncGenerator<Uint8Array> {
    await using file = await part.open()
    let base = part.baseUs
    let number = 0
    for await (const { fragment, at, moof, moofBytes, mdatBytes } of fragmentsOf(file, part.initBytes)) {
      const place = at - part.initBytes
      if (place >= to) return
      const durations = fragment.samples.map(({ duration }) => (this.stills === 'skip' ? movingOf(duration) : duration))
      number += 1
      if (place + moofBytes > from) {
        retime(moof, { sequence: index * 4096 + number, ...inTicks(base, durations) })
        yield moof.subarray(Math.max(0, from - place), Math.min(moofBytes, to - place))
      }
      base += durations.reduce((sum, one) => sum + one, 0)
      const [first, last] = [Math.max(from, place + moofBytes), Math.min(to, place + moofBytes + mdatBytes)]
      if (first < last)
        yield* file.createReadStream({
          start: part.initBytes + first,
          end: part.initBytes + last - 1,
          autoClose: false,
        }) as AsyncIterable<Buffer>
    }
  }
}

const ticksOf = (us: number): number => Math.round((us * filmTimescale) / 1_000_000)

/** What is rounded at one picture does not add up over the next. */
function inTicks(baseUs: number, durationsUs: readonly number[]): { base: number; durations: number[] } {
  let at = baseUs
  const durations = durationsUs.map((duration) => {
    const from = ticksOf(at)
    at += duration
    return ticksOf(at) - from
  })
  return { base: ticksOf(baseUs), durations }
}

const bodyOf = ({ bytes, initBytes }: FilmSource): number => bytes - initBytes
const shownUs = ({ durationUs, movingUs }: FilmSource, stills: Stills): number => (stills === 'skip' ? movingUs : durationUs)

function endOf(parts: readonly Part[], stills: Stills): number {
  const last = parts.at(-1)
  return last === undefined ? 0 : last.baseUs + shownUs(last, stills)
}

/** The segment without the fragments that begin at or after `untilUs` of it; at least its first stays. */
export async function cutShort(source: FilmSource, untilUs: number): Promise<FilmSource> {
  await using file = await source.open()
  const cut = { durationUs: 0, movingUs: 0, bytes: source.initBytes }
  for await (const { fragment, moofBytes, mdatBytes } of fragmentsOf(file, source.initBytes)) {
    if (cut.durationUs > 0 && fragment.base >= untilUs) break
    cut.durationUs += fragment.samples.reduce((sum, { duration }) => sum + duration, 0)
    cut.movingUs += fragment.samples.reduce((sum, { duration }) => sum + movingOf(duration), 0)
    cut.bytes += moofBytes + mdatBytes
  }
  return { ...source, ...cut }
}
