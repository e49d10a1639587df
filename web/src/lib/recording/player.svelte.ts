import type { SessionId } from '@helix/contract/ids'
import { type Recording, type RecordingChapter, recordingVideoPath } from '@helix/contract/recordings'
import { chapterAt, type Stills, Timeline } from './timeline.ts'

export const speeds = [1, 2, 4, 8] as const
const stepMs = 5000

/** The film that is played: which parts of the recording, at what moment, how fast. Parts that arrive later are taken in when somebody wants them. */
export class PlayerState {
  private readonly sessionId: SessionId
  /** What the film is made of; stays the same while it plays. */
  private pinned = $state.raw<Recording['segments']>([])
  stills = $state<Stills>('skip')
  speed = $state<number>(1)
  /** Units: milliseconds of the film. */
  filmMs = $state(0)
  playing = $state(false)
  broken = $state(false)
  /** Counts loads, so that a film that broke is asked for again. */
  private load = $state(0)
  video: HTMLVideoElement | null = null
  private wantedMs: number | null = null

  constructor(sessionId: SessionId, recording: Recording) {
    this.sessionId = sessionId
    this.pinned = recording.segments
  }

  readonly timeline = $derived.by(() => new Timeline(this.pinned, this.stills))
  readonly dayMs = $derived.by(() => this.timeline.toDay(this.filmMs))

  get source(): string {
    const ids = this.pinned.map(({ id }) => id)
    const path = recordingVideoPath.replace(':sessionId', this.sessionId)
    const again = this.load === 0 ? '' : `&load=${this.load}`
    return `${path}?stills=${this.stills}&from=${Math.min(...ids)}&to=${Math.max(...ids)}${again}`
  }

  get size(): { width: number; height: number } {
    return { width: this.pinned[0]?.width ?? 16, height: this.pinned[0]?.height ?? 9 }
  }

  newer({ segments }: Recording): number {
    const known = new Set(this.pinned.map(({ id }) => id))
    return segments.filter(({ id }) => !known.has(id)).length
  }

  /** The whole recording as it is now, at the moment that was shown. */
  take(recording: Recording): void {
    const { dayMs } = this
    this.pinned = recording.segments
    this.broken = false
    this.load += 1
    this.aim(dayMs)
  }

  chooseStills(stills: Stills): void {
    if (stills === this.stills) return
    const { dayMs } = this
    this.stills = stills
    this.aim(dayMs)
  }

  chooseSpeed(speed: number): void {
    this.speed = speed
    if (this.video !== null) this.video.playbackRate = speed
  }

  /** Units: unix milliseconds. */
  show(dayMs: number): void {
    this.seek(this.timeline.toFilm(dayMs))
  }

  seek(filmMs: number): void {
    const end = Math.max(0, this.timeline.durationMs - 1)
    this.filmMs = Math.min(Math.max(0, filmMs), end)
    if (this.video !== null && this.video.readyState >= HTMLMediaElement.HAVE_METADATA) this.video.currentTime = this.filmMs / 1000
    else this.wantedMs = this.filmMs
  }

  step(direction: 1 | -1): void {
    this.seek(this.filmMs + direction * stepMs)
  }

  chapter(chapters: readonly RecordingChapter[], direction: 1 | -1): void {
    const now = chapterAt(chapters, this.dayMs)
    const place = now === null ? -1 : chapters.indexOf(now)
    const next = chapters[Math.max(0, place + direction)]
    if (next !== undefined) this.show(next.atMs)
  }

  async toggle(): Promise<void> {
    const { video } = this
    if (video === null) return
    if (!video.paused) return video.pause()
    // A play that another click ends is no failure.
    await video.play().catch(() => undefined)
  }

  /** The film is there: to the moment that was meant. */
  loaded(): void {
    const { video, wantedMs } = this
    if (video === null) return
    video.playbackRate = this.speed
    if (wantedMs !== null) video.currentTime = wantedMs / 1000
    this.wantedMs = null
    if (this.playing) void video.play().catch(() => undefined)
  }

  moved(): void {
    if (this.video !== null && this.wantedMs === null && !this.video.seeking) this.filmMs = this.video.currentTime * 1000
  }

  /** The film changes under the video: its next load begins there. */
  private aim(dayMs: number): void {
    this.filmMs = this.timeline.toFilm(dayMs)
    this.wantedMs = this.filmMs
  }
}
