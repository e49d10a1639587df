import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { openDesktop } from '@helix/contract/stream-tickets'
import { takeControl } from '@helix/web/tests/pages/desktop-control.ts'
import { chromiumPath } from '../../config.ts'
import { type Figures, median, percentile } from '../figures.ts'
import { distribution, inputToPainted } from './delays.ts'
import { type Ground, type Screen, Watcher } from './ground.ts'
import { ShapedLink } from './shaped-link.ts'

const far = { delayMs: 25, lossPercent: 1, kbps: 5000 }
const presses = 100
const scrolledSeconds = 30
const cuts = 9
const cutMs = 2000

async function portsOf(ground: Ground, sessionId: SessionId): Promise<number[]> {
  const { urls } = await ground.call(openDesktop, { params: { sessionId }, body: {} })
  return [...new Set([ground.url, ...urls.map(({ url }) => url)].map((url) => Number(new URL(url).port)))]
}

/** Units: milliseconds, the longest time without a new picture while text runs. */
async function longestStall(ground: Ground, watcher: Watcher, sessionId: SessionId): Promise<number> {
  await ground.show(sessionId, 'scroll', 30)
  await watcher.watch(5)
  const times = (await watcher.watch(scrolledSeconds)).map(({ at }) => at)
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] ?? at)))
}

/** Units: milliseconds from the moment that the network is back until a new picture is painted. */
async function recoveries(watcher: Watcher, link: ShapedLink): Promise<number[]> {
  const all: number[] = []
  for (let cut = 0; cut < cuts; cut++) {
    await sleep(4000)
    await link.cut()
    await sleep(cutMs)
    await watcher.seen()
    await link.heal()
    const healed = Date.now()
    await sleep(3000)
    const first = (await watcher.seen()).find(({ at, scene }) => at > healed && scene !== null && scene > healed - 100)
    all.push((first?.at ?? healed + 3000) - healed)
  }
  return all
}

/** A viewer behind 50 ms of way there and back, 1 % loss and 5 Mbit/s. */
export async function farFigures(ground: Ground, sessionId: SessionId, screen: Screen): Promise<Figures> {
  await using link = await ShapedLink.open(await portsOf(ground, sessionId))
  const folder = mkdtempSync(join(tmpdir(), 'helix-far-'))
  try {
    await using watcher = await Watcher.open(ground, screen, link.programFor(chromiumPath, folder))
    await watcher.openDesktop(ground, sessionId)
    await takeControl(watcher.page)
    await link.shape(far)
    await sleep(2000)
    const name = '50 ms, 1 % loss, 5 Mbit/s'
    const painted = await inputToPainted(ground, watcher, sessionId, presses)
    const stall = await longestStall(ground, watcher, sessionId)
    const back = await recoveries(watcher, link)
    return {
      ...distribution(`${name}: input to painted`, painted, { p50: 130 }),
      [`${name}: longest stall`]: { value: stall, unit: 'ms', bar: 500 },
      [`${name}: back after a cut of 2 s, p50`]: { value: median(back), unit: 'ms', bar: 300 },
      [`${name}: back after a cut of 2 s, the slowest of ${cuts}`]: { value: percentile(back, 100), unit: 'ms', bar: 300 },
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
