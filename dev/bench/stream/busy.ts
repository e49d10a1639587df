import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { SessionId } from '@helix/contract/ids'
import { type Figures, median } from '../figures.ts'
import { distribution, glass } from './delays.ts'
import type { Ground, Watcher } from './ground.ts'

/** Units: seconds. */
const measured = 15

/** The same scrolling while every core has other work of the same priority to do. */
export async function busyFigures(ground: Ground, watcher: Watcher, sessionId: SessionId): Promise<Figures> {
  const burners = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }))
  try {
    const delays = await glass(ground, watcher, sessionId, 'scroll', measured)
    const third = Math.floor(delays.length / 3)
    const growth = median(delays.slice(-third)) - median(delays.slice(0, third))
    return {
      ...distribution('every core busy: glass to glass', delays, { p50: 80 }),
      'every core busy: growth of the delay, last third against first': { value: growth, unit: 'ms', bar: 20 },
    }
  } finally {
    for (const burner of burners) burner.kill('SIGKILL')
  }
}
