import { readdirSync, readFileSync } from 'node:fs'
import type { SessionId } from '@helix/contract/ids'
import { type Ground, glassToGlass, type Watcher } from '../../bench/stream/ground.ts'
import { residentMb } from '../../bench/stream/processes.ts'
import { say } from '../../setup/progress.mjs'
import type { Count } from './strikes.ts'

const scenes = ['scroll', 'type', 'still', 'video'] as const
/** Units: MB. */
const looseMb = 30
/** Units: minutes of a scene, and until caches have their size. */
const sceneMinutes = 1
const settleMinutes = 3

/** Units: MB of the browser's processes that show pages. */
function renderersMb(): number {
  const own = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  const renderers = own.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer') && ofThisProcess(pid)
    } catch {
      return false
    }
  })
  return Math.round(renderers.reduce((sum, pid) => sum + residentMb(Number(pid)), 0))
}

/** Browsers of sessions and of other tests run on this machine too. */
function ofThisProcess(pid: string): boolean {
  for (let at = pid; at !== '0' && at !== ''; at = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${at}/status`, 'utf8'))?.[1] ?? '')
    if (at === String(process.pid)) return true
  return false
}

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** A page looks at scenes that change. What it takes after minutes against what it takes in the end; pictures come to the end. */
export async function watchLong(ground: Ground, watcher: Watcher, sessionId: SessionId, minutes: number): Promise<Count[]> {
  const taken: number[] = []
  const delays: number[][] = []
  for (let minute = 0; minute < minutes; minute += sceneMinutes) {
    const scene = scenes[(minute / sceneMinutes) % scenes.length] ?? 'still'
    await ground.show(sessionId, scene, scene === 'type' ? 10 : 30)
    const seen = await watcher.watch(sceneMinutes * 60 - 1)
    if (scene === 'scroll') delays.push(glassToGlass(seen))
    if (minute >= Math.min(settleMinutes, minutes / 3)) taken.push(renderersMb())
    say(`minute ${minute + sceneMinutes}: ${scene}, ${seen.length} pictures, page ${renderersMb()} MB`)
  }
  const third = Math.max(1, Math.floor(taken.length / 3))
  const [early, late] = [middle(taken.slice(0, third)), middle(taken.slice(-third))]
  const last = delays.at(-1) ?? []
  return [
    { what: `MB of the viewer's page after ${minutes} minutes`, before: early, after: late, most: early + looseMb },
    {
      what: 'ms glass to glass in the last minute of scrolling, p50',
      before: Math.round(middle(delays[0] ?? [])),
      after: Math.round(middle(last)),
      most: 80,
    },
    { what: 'scenes without a picture in the end', before: 0, after: last.length > 0 ? 0 : 1, most: 0 },
  ]
}
