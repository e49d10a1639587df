import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { type Figures, percentile } from '../figures.ts'
import { type Ground, glassToGlass, type Watcher } from './ground.ts'
import type { Seen } from './probe.ts'

/** The three figures of a distribution; bars where they are asked for. */
export function distribution(name: string, values: number[], bars: { p50?: number; p95?: number; p99?: number } = {}): Figures {
  const shares = [50, 95, 99] as const
  return Object.fromEntries(
    shares.map((share) => [`${name} p${share}`, { value: percentile(values, share), unit: 'ms', bar: bars[`p${share}`] ?? null }]),
  )
}

export async function glass(
  ground: Ground,
  watcher: Watcher,
  sessionId: SessionId,
  mode: 'scroll' | 'video',
  seconds: number,
): Promise<number[]> {
  await ground.show(sessionId, mode, 60)
  await watcher.watch(2)
  const delays = glassToGlass(await watcher.watch(seconds))
  if (delays.length < seconds * 5) throw new Error(`${delays.length} pictures with a code within ${seconds} s`)
  return delays
}

/** Units: milliseconds from a key event in the page until the scene's answer to it is painted. */
export async function inputToPainted(ground: Ground, watcher: Watcher, sessionId: SessionId, presses: number): Promise<number[]> {
  await ground.show(sessionId, 'keys')
  await sleep(1000)
  await watcher.seen()
  const pressed: number[] = []
  for (let press = 0; press < presses; press++) {
    pressed.push(
      await watcher.page.evaluate(() => {
        const at = performance.timeOrigin + performance.now()
        const target = document.activeElement ?? document.body
        for (const type of ['keydown', 'keyup'])
          target.dispatchEvent(new KeyboardEvent(type, { key: 'a', code: 'KeyA', bubbles: true, cancelable: true }))
        return at
      }),
    )
    await sleep(120 + Math.random() * 80)
  }
  await sleep(500)
  return answered(pressed, await watcher.seen())
}

/** For each press the first picture whose scene was painted after it. Throws where most have none. */
function answered(pressed: readonly number[], seen: readonly Seen[]): number[] {
  const delays = pressed.flatMap((at, index) => {
    const next = pressed[index + 1] ?? Number.POSITIVE_INFINITY
    const picture = seen.find(({ scene }) => scene !== null && scene >= at - 1 && scene < next)
    return picture === undefined ? [] : [picture.at - at]
  })
  if (delays.length < pressed.length * 0.8) throw new Error(`${delays.length} of ${pressed.length} key presses were seen on the canvas`)
  return delays
}
