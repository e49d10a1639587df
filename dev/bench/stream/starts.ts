import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { machinesWait } from '../../stack/session-containers.ts'
import { type Figures, median, percentile } from '../figures.ts'
import { type Ground, Watcher } from './ground.ts'

const screen = { width: 1920, height: 1080 }
const clicks = 9
const starts = { warm: 5, cold: 5 }

/** Units: milliseconds from the click on "Desktop" until a picture is on the canvas, of a session whose desktop runs. */
export async function clickToPicture(ground: Ground, watcher: Watcher, sessionId: SessionId): Promise<Figures> {
  const delays: number[] = []
  for (let click = 0; click < clicks; click++) {
    await watcher.goto(`${ground.url}/sessions/${sessionId}?tab=starts`)
    const tab = watcher.page.getByRole('link', { name: 'Desktop', exact: true })
    await tab.waitFor()
    await sleep(1000)
    await watcher.seen()
    const clicked = await tab.evaluate((element: HTMLElement) => {
      element.click()
      return performance.timeOrigin + performance.now()
    })
    delays.push((await watcher.painted()) - clicked)
  }
  return {
    'click on "Desktop" to first picture p50': { value: median(delays), unit: 'ms', bar: 150 },
    'click on "Desktop" to first picture p95': { value: percentile(delays, 95), unit: 'ms', bar: null },
  }
}

/** Units: milliseconds from asking for a session until its desktop is on the canvas of a page that is opened at once. */
export async function createdToPicture(ground: Ground, kind: 'warm' | 'cold'): Promise<number[]> {
  await using watcher = await Watcher.open(ground, screen)
  const delays: number[] = []
  for (let start = 0; start <= starts[kind]; start++) {
    if (kind === 'warm') await machinesWait(ground.scratch.stack.secrets.installation, 1)
    await sleep(1000)
    await watcher.seen()
    const asked = Date.now()
    const sessionId = await ground.createSession()
    await watcher.goto(`${ground.url}/sessions/${sessionId}?tab=desktop`)
    const painted = await watcher.painted()
    // The first one finds no page in the browser's cache.
    if (start > 0) delays.push(painted - asked)
    await ground.until(sessionId, 'idle')
    await ground.stop(sessionId)
  }
  return delays
}
