import { parseArgs } from 'node:util'
import { Ground, Watcher } from '../bench/stream/ground.ts'
import { say } from '../setup/progress.mjs'
import { table } from '../stack/story.ts'
import { type Count, connectAndLeave, encodersKilled, serversKilled } from './stream-soak/strikes.ts'
import { watchLong } from './stream-soak/watch-long.ts'

const screen = { width: 1920, height: 1080 }

/**
 * One desktop for half an hour: a page that looks at it all the time, 1,000 viewers that come and go, 200 encoders and some X servers killed.
 * Nothing may grow, and each time the picture comes back. `--minutes`, `--cycles` and `--kills` make it shorter.
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({
    args,
    options: {
      minutes: { type: 'string', default: '30' },
      cycles: { type: 'string', default: '1000' },
      kills: { type: 'string', default: '200' },
    },
  })
  await using ground = await Ground.open(say)
  const sessionId = await ground.runningSession(screen)
  await using watcher = await Watcher.open(ground, screen)
  await watcher.openDesktop(ground, sessionId)
  const counts: Count[] = []
  counts.push(...(await connectAndLeave(ground, sessionId, Number(values.cycles))))
  counts.push(...(await encodersKilled(ground, sessionId, Number(values.kills))))
  counts.push(...(await serversKilled(ground, sessionId)))
  counts.push(...(await watchLong(ground, watcher, sessionId, Number(values.minutes))))
  const rows = counts.map(({ what, before, after, most }) => [
    what,
    String(before),
    String(after),
    `<= ${most}`,
    after <= most ? '' : 'BROKEN',
  ])
  process.stdout.write(`\n${table(['what', 'before', 'after', 'at most', ''], rows)}\n\n`)
  const broken = counts.filter(({ after, most }) => after > most).length
  const figures = Object.fromEntries(counts.map(({ what, after, most }) => [what, { value: after, unit: '', bar: most }]))
  process.stdout.write(`${broken} broken\n${JSON.stringify({ bench: 'stream-soak', figures })}\n`)
  return broken === 0
}
