import type { ModelCall } from '@helix/contract/usage'

/** Where a call stands in its row. Units: percent of the row’s width. */
export interface Bar {
  call: ModelCall
  left: number
  waited: number
  answered: number
}

/** Calls that lie close together in time, drawn over one axis. */
export interface Burst {
  startedAt: number
  endedAt: number
  /** Units: milliseconds without a call before it; null: it is the first. */
  pauseMs: number | null
  bars: Bar[]
}

/** Units: milliseconds. A longer pause would press everything else together. */
const longestPauseMs = 60_000

const endOf = ({ startedAt, durationMs }: ModelCall): number => Date.parse(startedAt) + durationMs

function barsOf(calls: readonly ModelCall[], start: number, end: number): Bar[] {
  const width = Math.max(1, end - start)
  return calls.map((call) => {
    const waitedMs = Math.min(call.firstByteMs ?? call.durationMs, call.durationMs)
    const percent = (ms: number): number => (ms / width) * 100
    return {
      call,
      left: percent(Date.parse(call.startedAt) - start),
      waited: percent(waitedMs),
      answered: percent(call.durationMs - waitedMs),
    }
  })
}

/** Oldest first, cut where nothing was asked for more than a minute. */
export function burstsOf(newestFirst: readonly ModelCall[]): Burst[] {
  const calls = newestFirst.toSorted((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt))
  const groups: ModelCall[][] = []
  let end = Number.NEGATIVE_INFINITY
  for (const call of calls) {
    if (Date.parse(call.startedAt) - end > longestPauseMs) groups.push([])
    groups.at(-1)?.push(call)
    end = Math.max(end, endOf(call))
  }
  let before: number | null = null
  return groups.map((group) => {
    const startedAt = Date.parse(group[0]?.startedAt ?? '')
    const endedAt = Math.max(...group.map(endOf))
    const burst = { startedAt, endedAt, pauseMs: before === null ? null : startedAt - before, bars: barsOf(group, startedAt, endedAt) }
    before = endedAt
    return burst
  })
}
