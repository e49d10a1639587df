import type { Rate } from './rate.ts'
import type { Viewer } from './viewer.ts'

/** For recordings that nobody watches while they are made: the picture is as sharp, and a movement costs a quarter. */
const unwatched: Rate = { kbps: 8000, fps: 15, scale: 100, crf: 23 }
/** Units: milliseconds after which a viewer that takes nothing counts no more. */
const silentMs = 2000

/** One encoder works for all viewers: for who drives, else for the best line. Null: as before, since those who look take nothing now. */
export function rateFor(viewers: readonly Viewer[], drives: (viewer: Viewer) => boolean, now: number): Rate | null {
  if (viewers.length === 0) return unwatched
  const live = viewers.filter((one) => one.wantsFrames && one.delivery.silentMs(now) < silentMs)
  const best = live.find(drives) ?? live.sort((a, b) => b.rates.rate.kbps - a.rates.rate.kbps)[0]
  return best?.rates.rate ?? null
}
