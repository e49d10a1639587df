import type { StreamPreset } from '@helix/contract/stream-talk'

/** What the encoder may use. `scale`: percent of the screen; `crf`: of x264, smaller is sharper. */
export interface Rate {
  kbps: number
  fps: number
  scale: number
  crf: number
}

export interface RateLimits {
  /** Of the project. */
  fps: number
  /** Of the screen. */
  pixels: number
}

/** A frame that was acknowledged. */
export interface RateSample {
  /** Units: milliseconds from sending to the acknowledgement. */
  delayMs: number
  bytes: number
}

/** Units: kbit a second. */
const leastKbps = 300
const firstKbps = 8000
/** So that the first picture over a new connection fits into what TCP sends before it hears anything. */
const returningKbps = 800
/** Units: milliseconds. A queue that stands above the first for one look is a jam; below the second the line is clear. */
const jamMs = 40
const clearMs = 20
const lookMs = 200
const baseWindowMs = 20_000
const quietAfterJamMs = 1500
const upEveryMs = 500
const stepUpAfterMs = 4000

const presets: Record<StreamPreset, { crf: number; mostKbps: number; mostFps: number; leastScale: number; leastFps: number }> = {
  auto: { crf: 23, mostKbps: 60_000, mostFps: 60, leastScale: 50, leastFps: 15 },
  sharp: { crf: 18, mostKbps: 60_000, mostFps: 60, leastScale: 100, leastFps: 8 },
  smooth: { crf: 26, mostKbps: 60_000, mostFps: 60, leastScale: 50, leastFps: 30 },
  saver: { crf: 30, mostKbps: 1500, mostFps: 15, leastScale: 50, leastFps: 8 },
}

/** From which share of a full bitrate on fewer frames, and then fewer pixels, are sent. */
const fpsSteps = [
  { below: 0.22, part: 1 / 2 },
  { below: 0.12, part: 1 / 3 },
  { below: 0.06, part: 1 / 4 },
]
const scaleSteps = [
  { below: 0.08, scale: 75 },
  { below: 0.04, scale: 50 },
]

/**
 * How much one viewer’s line bears, found by delay: frames that wait on the way come later than the fastest ones did. Goes down at once, to what really
 * arrived, and up slowly, ever more so near the rate at which it jammed last. Has no clock and no timers of its own.
 */
export class RateController {
  private readonly limits: RateLimits
  private chosen: StreamPreset = 'auto'
  private kbps = firstKbps
  /** Where the last jam was. */
  private ceilingKbps = Number.POSITIVE_INFINITY
  private readonly bases: { at: number; ms: number }[] = []
  private look = { from: Number.NEGATIVE_INFINITY, least: Number.POSITIVE_INFINITY, bytes: 0, samples: 0 }
  private jammedAt = Number.NEGATIVE_INFINITY
  private raisedAt = Number.NEGATIVE_INFINITY
  private step = { fps: 0, scale: 0, at: Number.NEGATIVE_INFINITY }
  /** Of the last second, whether or not it fills what it may. */
  private load = { from: 0, bytes: 0, kbps: 0 }
  /** It came back after a cut, and has acknowledged nothing yet. */
  returning = false
  jams = 0

  constructor(limits: RateLimits) {
    this.limits = limits
  }

  set preset(preset: StreamPreset) {
    this.chosen = preset
  }

  set screen(limits: RateLimits) {
    Object.assign(this.limits, limits)
  }

  /** Units: milliseconds that the fastest of the last frames took. */
  get baseMs(): number {
    return this.bases.length === 0 ? 0 : Math.min(...this.bases.map(({ ms }) => ms))
  }

  /** Units: kbit a second, what the line was seen to bear; what it may use while that is not known. */
  get bearsKbps(): number {
    return Math.min(this.kbps, this.ceilingKbps)
  }

  get rate(): Rate {
    const { crf, mostFps, leastScale, leastFps } = presets[this.chosen]
    const fps = Math.min(this.limits.fps, mostFps)
    const part = fpsSteps[this.step.fps - 1]?.part ?? 1
    const scale = scaleSteps[this.step.scale - 1]?.scale ?? 100
    return {
      kbps: Math.round(Math.min(this.kbps, this.mostKbps, this.returning ? returningKbps : Number.POSITIVE_INFINITY)),
      fps: Math.max(Math.min(fps, leastFps), Math.round(fps * part)),
      scale: Math.max(leastScale, scale),
      crf,
    }
  }

  /** The line was cut: until a frame is acknowledged a picture soon is worth more than a sharp one. */
  cut(): void {
    this.returning = true
    this.look = { from: Number.NEGATIVE_INFINITY, least: Number.POSITIVE_INFINITY, bytes: 0, samples: 0 }
  }

  acknowledged(now: number, { delayMs, bytes }: RateSample): void {
    this.returning = false
    this.noteBase(now, delayMs)
    this.noteLoad(now, bytes)
    const { look } = this
    if (look.samples === 0) look.from = now
    look.samples += 1
    look.bytes += bytes
    look.least = Math.min(look.least, delayMs - this.baseMs)
    // One frame alone may have been a large one: two that waited are a queue.
    const lasted = now - look.from
    if (lasted < lookMs || (look.samples < 3 && lasted < 3 * lookMs)) return
    this.decide(now, look.least, (look.bytes * 8) / lasted)
    this.look = { from: now, least: Number.POSITIVE_INFINITY, bytes: 0, samples: 0 }
  }

  private get mostKbps(): number {
    const full = Math.max(4000, (this.limits.pixels * Math.min(60, this.limits.fps)) / 5000)
    return Math.min(presets[this.chosen].mostKbps, full)
  }

  private decide(now: number, waitsMs: number, arrivedKbps: number): void {
    if (waitsMs > jamMs) this.lower(now, waitsMs, arrivedKbps)
    else if (waitsMs < clearMs && now - this.jammedAt > quietAfterJamMs && now - this.raisedAt > upEveryMs) this.raise(now)
    this.fit(now)
  }

  private lower(now: number, waitsMs: number, arrivedKbps: number): void {
    // What was sent before the last change is still on its way.
    if (now - this.jammedAt < this.baseMs + 2 * lookMs) return
    this.jams += 1
    this.jammedAt = now
    const bears = Math.min(this.kbps, Math.max(leastKbps, arrivedKbps))
    this.ceilingKbps = bears
    this.kbps = Math.max(leastKbps, bears * (waitsMs > 4 * jamMs ? 0.6 : 0.85))
  }

  private raise(now: number): void {
    this.raisedAt = now
    // Nothing is learnt from a line that is not used.
    const used = this.load.kbps > this.kbps * 0.5
    const near = this.kbps > this.ceilingKbps * 0.88
    if (!used && (near || this.kbps >= firstKbps)) return
    // The longer nothing jams, the likelier is another line.
    const part = near ? 0.005 * (1 + ((now - this.jammedAt) / 12_000) ** 2) : 0.06
    const next = this.kbps * (1 + Math.min(part, 0.06))
    if (near) this.ceilingKbps = Math.max(this.ceilingKbps, next)
    this.kbps = Math.min(near ? next : Math.min(next, this.ceilingKbps * 0.9), Math.max(firstKbps, this.mostKbps))
  }

  /** Fewer frames and pixels at once, more again only after a while and with room to spare. */
  private fit(now: number): void {
    const full = Math.max(2000, (this.limits.pixels * 60) / 10_000)
    const share = this.kbps / full
    const index = (steps: readonly { below: number }[], by: number): number => steps.filter(({ below }) => share < below * by).length
    const down = { fps: index(fpsSteps, 1), scale: index(scaleSteps, 1) }
    const up = { fps: index(fpsSteps, 1.4), scale: index(scaleSteps, 1.4) }
    if (down.fps > this.step.fps || down.scale > this.step.scale)
      this.step = { fps: Math.max(down.fps, this.step.fps), scale: Math.max(down.scale, this.step.scale), at: now }
    else if ((up.fps < this.step.fps || up.scale < this.step.scale) && now - this.step.at > stepUpAfterMs)
      this.step = { fps: Math.min(up.fps, this.step.fps), scale: Math.min(up.scale, this.step.scale), at: now }
  }

  private noteBase(now: number, ms: number): void {
    const { bases } = this
    const last = bases.at(-1)
    if (last === undefined || now - last.at > baseWindowMs / 4) bases.push({ at: now, ms })
    else last.ms = Math.min(last.ms, ms)
    while (bases.length > 1 && now - (bases[0]?.at ?? now) > baseWindowMs) bases.shift()
  }

  private noteLoad(now: number, bytes: number): void {
    const { load } = this
    if (now - load.from > 1000) {
      const lasted = Math.min(now - load.from, 5000)
      this.load = { from: now, bytes, kbps: (load.bytes * 8) / lasted }
    } else load.bytes += bytes
  }
}
