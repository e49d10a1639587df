import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { type Figures, median, percentile } from '../figures.ts'
import type { Ground } from './ground.ts'
import { residentMb } from './processes.ts'
import { RawViewer } from './raw-viewer.ts'

/** Units: seconds. */
const measured = 10
const crowd = 8

async function delaysOf(viewers: readonly RawViewer[]): Promise<number[]> {
  for (const viewer of viewers) viewer.forget()
  await sleep(measured * 1000)
  return viewers.flatMap(({ delays }) => delays)
}

/** Eight viewers of one scrolling session: whether one that takes nothing slows the others, and what each costs the host. */
export async function crowdFigures(ground: Ground, sessionId: SessionId): Promise<Figures> {
  await ground.show(sessionId, 'scroll', 30)
  const host = ground.scratch.stack.process('sandbox-host').pid ?? 0
  const before = residentMb(host)
  const viewers: RawViewer[] = []
  try {
    for (let count = 0; count < crowd; count++) viewers.push(await RawViewer.open(ground, sessionId))
    await sleep(3000)
    const each = (residentMb(host) - before) / crowd
    const [stalled, ...fast] = viewers
    const together = await delaysOf(fast)
    stalled?.stall()
    await sleep(2000)
    const beside = await delaysOf(fast)
    const change = (now: number, then: number): number => Math.abs(now / then - 1) * 100
    return {
      [`${crowd} viewers: frames of the fast ones, change by a stalled one`]: {
        value: change(beside.length, together.length),
        unit: '%',
        bar: 10,
      },
      [`${crowd} viewers: delay p50 of the fast ones, change by a stalled one`]: {
        value: change(median(beside), median(together)),
        unit: '%',
        bar: 10,
      },
      [`${crowd} viewers: delay p95 beside a stalled one`]: { value: percentile(beside, 95), unit: 'ms', bar: null },
      'memory: host for each viewer': { value: Math.max(0, each), unit: 'MB', bar: 2 },
    }
  } finally {
    for (const viewer of viewers) viewer[Symbol.dispose]()
  }
}
