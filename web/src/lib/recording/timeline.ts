import { type RecordingChapter, type RecordingSegment, stillMs } from '@helix/contract/recordings'

export type Stills = 'keep' | 'skip'

/** A stretch that runs evenly. Units: milliseconds; `atMs` by the clock, `filmMs` from the start of the film. */
interface Piece {
  atMs: number
  lengthMs: number
  filmMs: number
  shownMs: number
}

/** Where moments of the day are in the film that the control plane makes of these segments, and back. */
export class Timeline {
  /** Units: milliseconds. */
  readonly durationMs: number
  readonly startMs: number
  private readonly pieces: Piece[]

  constructor(segments: readonly RecordingSegment[], stills: Stills) {
    this.startMs = segments[0]?.startMs ?? 0
    this.pieces = []
    let film = 0
    for (const segment of segments) {
      const shown = stills === 'skip' ? segment.movingMs : segment.durationMs
      const base = stills === 'skip' ? film : Math.max(film, segment.startMs - this.startMs)
      this.pieces.push(...(stills === 'skip' ? piecesOf(segment, base) : [evenly(segment, base)]))
      film = base + shown
    }
    this.durationMs = film
  }

  /** While nothing was recorded: where it goes on. */
  toFilm(atMs: number): number {
    const piece = this.pieces.findLast((one) => one.atMs <= atMs) ?? this.pieces[0]
    if (piece === undefined) return 0
    const part = Math.min(1, Math.max(0, (atMs - piece.atMs) / Math.max(1, piece.lengthMs)))
    return piece.filmMs + part * piece.shownMs
  }

  toDay(filmMs: number): number {
    const piece = this.pieces.findLast((one) => one.filmMs <= filmMs) ?? this.pieces[0]
    if (piece === undefined) return 0
    // Beyond its end the last picture is shown until the next piece.
    if (filmMs > piece.filmMs + piece.shownMs) return piece.atMs + piece.lengthMs + (filmMs - piece.filmMs - piece.shownMs)
    return piece.atMs + ((filmMs - piece.filmMs) / Math.max(1, piece.shownMs)) * piece.lengthMs
  }
}

const evenly = ({ startMs, durationMs }: RecordingSegment, filmMs: number): Piece => ({
  atMs: startMs,
  lengthMs: durationMs,
  filmMs,
  shownMs: durationMs,
})

function piecesOf({ startMs, durationMs, stills }: RecordingSegment, base: number): Piece[] {
  const pieces: Piece[] = []
  let [at, film] = [0, base]
  const add = (lengthMs: number, shownMs: number): void => {
    if (lengthMs <= 0) return
    pieces.push({ atMs: startMs + at, lengthMs, filmMs: film, shownMs })
    at += lengthMs
    film += shownMs
  }
  for (const [from, length] of stills) {
    add(from - at, from - at)
    add(length, stillMs)
  }
  add(durationMs - at, durationMs - at)
  return pieces
}

/** The chapter that a moment belongs to; null: before the first. */
export const chapterAt = (chapters: readonly RecordingChapter[], atMs: number): RecordingChapter | null =>
  // A seek lands a little beside what it aimed at.
  chapters.findLast((one) => one.atMs <= atMs + 50) ?? null

/** Like 1:02:03 or 2:03. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (value: number): string => String(value).padStart(2, '0')
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
