import type { SessionId } from '@helix/contract/ids'
import type { Frame } from '@helix/contract/stream-down'
import { toSample } from './h264.ts'
import { SegmentFile } from './segment.ts'

/** A finished segment, and where the next ones go. */
export interface Spool {
  /** A path that nothing has. */
  pathFor(session: { sessionId: SessionId; epoch: number }, startedUs: number): string
  /** The file at the path is whole. */
  finished(path: string): Promise<void>
  /** The file at the path came to nothing. */
  failed(path: string, error: unknown): void
}

export interface RecorderInput {
  session: { sessionId: SessionId; epoch: number }
  spool: Spool
  /** Asks the encoder for a key frame; asking often costs nothing. */
  requestKey(): void
  now?(): number
}

/** Units: milliseconds, pictures, bytes. Every segment begins with a key frame, so these bound what a player decodes to reach any moment. */
const limits = { ageMs: 60_000, pictures: 600, bytes: 8 * 1024 * 1024 } as const
/** A segment without a key frame to end it is ended without one. */
const mostBytes = 16 * 1024 * 1024
/** A screen that is still for so long ends its segment; and after the first its pictures are written. */
const stillMs = 20_000
const settleMs = 1000
/** A key frame that somebody else asked for is a place to cut, when the segment is worth it. */
const worthMs = 10_000
/** Chapters that begin within this time share a key frame. */
const chapterMs = 5000
/** A disk that refused is tried again. */
const againMs = 30_000
/** The disk is slower than the picture: recording gives way. */
const mostWaiting = 8 * 1024 * 1024

/** Cuts the pictures of one session into segments. Takes them as they come and never makes their source wait. */
export class Recorder {
  private readonly input: RecorderInput
  private readonly now: () => number
  private segment: SegmentFile | null = null
  private path = ''
  private startedAt = 0
  private pictureAt = 0
  private sequence = -1
  private cutWanted = false
  private heldUntil = Number.NEGATIVE_INFINITY
  private markedAt = Number.NEGATIVE_INFINITY
  private ends: Promise<void> = Promise.resolve()

  constructor(input: RecorderInput) {
    this.input = input
    this.now = input.now ?? Date.now
  }

  get writes(): boolean {
    return this.segment !== null
  }

  frame(frame: Frame): void {
    const { segment } = this
    if (segment === null) {
      if (this.now() < this.heldUntil) return
      this.open(frame)
      return
    }
    const follows = frame.key || frame.sequence === (this.sequence + 1) % 2 ** 32
    const sameSize = frame.width === segment.init.width && frame.height === segment.init.height
    const slow = segment.waiting > mostWaiting || segment.broken !== null
    if (!follows || slow || (!frame.key && (!sameSize || segment.size > mostBytes))) {
      this.end(null)
      if (slow) this.input.requestKey()
      else this.open(frame)
      return
    }
    const now = this.now()
    if (frame.key && (!sameSize || this.cutWanted || this.due(segment, now) || now - this.startedAt >= worthMs)) {
      this.end(frame.capturedUs)
      this.open(frame)
      return
    }
    this.taken(segment, frame, toSample(frame.unit).bytes)
    if (this.due(segment, now)) this.input.requestKey()
  }

  /** A chapter begins: the next picture should be one that needs none before it. A still screen and a segment that just began need nothing. */
  mark(): void {
    const now = this.now()
    if (this.segment === null || now - this.startedAt < chapterMs || now - this.markedAt < chapterMs) return
    this.markedAt = now
    this.cutWanted = true
    this.input.requestKey()
  }

  /** Called each second. */
  tick(): void {
    const { segment } = this
    if (segment === null) return
    const stillFor = this.now() - this.pictureAt
    if (stillFor >= stillMs) this.end(null)
    else if (stillFor >= settleMs) segment.settle()
  }

  /** The source lost pictures, or another takes its place. */
  interrupt(): void {
    if (this.segment !== null) this.end(null)
  }

  /** What was begun is whole on the disk when this resolves. */
  async close(): Promise<void> {
    this.interrupt()
    await this.ends
  }

  private due(segment: SegmentFile, now: number): boolean {
    return now - this.startedAt >= limits.ageMs || segment.pictures >= limits.pictures || segment.size >= limits.bytes
  }

  /** A segment begins with a key frame; others are left out until one comes. */
  private open(frame: Frame): void {
    const { bytes, avcC } = frame.key ? toSample(frame.unit) : { bytes: frame.unit, avcC: null }
    if (avcC === null) {
      this.input.requestKey()
      return
    }
    const { width, height, capturedUs } = frame
    this.path = this.input.spool.pathFor(this.input.session, capturedUs)
    this.segment = new SegmentFile(this.path, { width, height, avcC }, capturedUs)
    this.startedAt = this.now()
    this.cutWanted = false
    this.taken(this.segment, frame, bytes)
  }

  private taken(segment: SegmentFile, { key, capturedUs, sequence }: Frame, bytes: Uint8Array): void {
    segment.add({ key, capturedUs, bytes })
    this.sequence = sequence
    this.pictureAt = this.now()
  }

  private end(endUs: number | null): void {
    const { segment, path } = this
    const { spool } = this.input
    this.segment = null
    if (segment === null) return
    const ending = segment
      .finish(endUs)
      .then(() => spool.finished(path))
      .catch((error: unknown) => {
        spool.failed(path, error)
        this.heldUntil = this.now() + againMs
      })
    this.ends = Promise.all([this.ends, ending]).then(() => undefined)
  }
}
