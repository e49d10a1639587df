import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { box, boxHead, mostSamples, type Sample, u32, writeFragment } from '@helix/contract/segment-bytes'
import { type Init, writeInit } from '@helix/contract/segment-init'

/** A picture as the file holds it. */
export interface Picture {
  key: boolean
  /** Units: unix microseconds. */
  capturedUs: number
  /** With lengths, see `toSample`. */
  bytes: Uint8Array
}

/** Units: microseconds; bytes. What is not written yet is lost when the host dies. */
const fragmentUs = 1_000_000
const fragmentBytes = 1024 * 1024
/** The last picture of a segment is shown this long when nothing follows it. */
const lastUs = 500_000
/** What a sample's duration holds. */
const mostDurationUs = 0xffff_ffff

/**
 * Writes one segment while it happens. A picture is held back until the next tells how long it was shown, so that a still screen is a long duration and
 * no bytes; each second of pictures is written as a whole fragment.
 */
export class SegmentFile {
  readonly init: Omit<Init, 'durationUs'>
  readonly startedUs: number
  private readonly file: Promise<FileHandle>
  private pending: Picture[] = []
  private pendingBytes = 0
  private fragments = 0
  private writing: Promise<void> = Promise.resolve()
  private failure: unknown = null
  /** Units: bytes, those that wait among them. */
  size: number
  pictures = 0
  lastUs: number

  /** A file that is there already is a fault that `broken` and `finish` tell. */
  constructor(path: string, init: Omit<Init, 'durationUs'>, startedUs: number) {
    this.file = open(path, 'wx', 0o600)
    this.file.catch(() => undefined)
    this.init = init
    this.startedUs = startedUs
    this.lastUs = startedUs
    const head = writeInit({ ...init, durationUs: 0 })
    this.size = head.byteLength
    this.writing = this.write([head])
  }

  /** Why nothing more is written; null: all is well. */
  get broken(): unknown {
    return this.failure
  }

  /** Units: bytes that the disk has not taken yet. */
  waiting = 0

  add(picture: Picture): void {
    this.pending.push(picture)
    this.pendingBytes += picture.bytes.byteLength
    this.size += picture.bytes.byteLength + 12
    this.pictures += 1
    this.lastUs = Math.max(this.lastUs, picture.capturedUs)
    const [first] = this.pending
    if (first === undefined || this.pending.length < 2) return
    const long = picture.capturedUs - first.capturedUs >= fragmentUs
    if (long || this.pendingBytes >= fragmentBytes || this.pending.length >= mostSamples) this.flush(picture.capturedUs, 1)
  }

  /** Writes what is known whole: all but the last picture. */
  settle(): void {
    const last = this.pending.at(-1)
    if (last !== undefined && this.pending.length > 1) this.flush(last.capturedUs, 1)
  }

  /** `endUs`: when the next segment begins; null: nothing follows. Rejects when not all of it reached the disk. */
  async finish(endUs: number | null): Promise<void> {
    if (this.pending.length > 0) this.flush(endUs ?? this.lastUs + lastUs, 0)
    await this.writing
    await using file = await this.file
    if (this.failure !== null) throw this.failure
    await file.sync()
  }

  /** `held`: how many pictures stay; the last of the others is shown until `endUs`. */
  private flush(endUs: number, held: 0 | 1): void {
    const taken = this.pending.slice(0, this.pending.length - held)
    this.pending = this.pending.slice(this.pending.length - held)
    this.pendingBytes = this.pending.reduce((sum, { bytes }) => sum + bytes.byteLength, 0)
    const [first] = taken
    if (first === undefined) return
    const samples = taken.map(({ bytes, capturedUs, key }, index): Sample => {
      const next = taken[index + 1]?.capturedUs ?? endUs
      // A clock that is set back makes a picture short and nothing else.
      return { duration: Math.min(Math.max(next - capturedUs, 1), mostDurationUs), size: bytes.byteLength, key }
    })
    this.fragments += 1
    const moof = writeFragment({ sequence: this.fragments, base: Math.max(0, first.capturedUs - this.startedUs), samples })
    const length = taken.reduce((sum, { bytes }) => sum + bytes.byteLength, boxHead)
    const head = box('mdat')
    head.set(u32(length))
    this.size += moof.byteLength + boxHead - taken.length * 12
    this.writing = this.write([moof, head, ...taken.map(({ bytes }) => bytes)])
  }

  private write(parts: Uint8Array[]): Promise<void> {
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0)
    this.waiting += bytes
    return this.writing.then(async () => {
      try {
        if (this.failure === null) await (await this.file).writev(parts)
      } catch (error) {
        this.failure = error
      } finally {
        this.waiting -= bytes
      }
    })
  }
}

export const sha256Of = async (path: string): Promise<string> => {
  await using file = await open(path)
  const hash = createHash('sha256')
  for await (const chunk of file.createReadStream({ autoClose: false })) hash.update(chunk)
  return hash.digest('hex')
}
