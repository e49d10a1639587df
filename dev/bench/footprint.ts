import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { getTask } from '@helix/contract/tasks'
import { say } from '../setup/progress.mjs'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { sessionContainers } from '../stack/session-containers.ts'
import { createAndStart, openProject, sampleStory } from '../stack/story.ts'
import type { Figures } from './figures.ts'

/** Units: milliseconds. Long enough for start-up garbage to be collected. */
const restMs = 20_000

/** Resident memory of one process in MB, from /proc. */
export function residentMb(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  if (!match?.[1]) throw new Error(`process ${pid} has no VmRSS`)
  return Number(match[1]) / 1024
}

/** The supervisor is the one Node process of a session's container that runs the bundle; the agent beside it is not counted. */
async function supervisorMb(installation: string): Promise<number> {
  const [container] = await sessionContainers(installation)
  if (container === undefined) throw new Error('no session container runs')
  const rows = execFileSync('docker', ['top', container.id, '-eo', 'pid,args'], { encoding: 'utf8' }).split('\n').slice(1)
  const row = rows.find((line) => /^\s*\d+\s+\S*node .*supervisor\.mjs/.test(line))
  if (row === undefined) throw new Error(`no supervisor among:\n${rows.join('\n')}`)
  return residentMb(Number(row.trim().split(/\s+/)[0]))
}

async function untilSpecReview(scratch: Scratch): Promise<void> {
  const project = await openProject(scratch.call, 'footprint', null)
  const { id } = await createAndStart(scratch.call, project, sampleStory, 'footprint')
  for (let look = 0; look < 600; look++) {
    const { status, activity } = await scratch.call(getTask, { params: { taskId: id } })
    if (status === 'spec_review') return
    if (status === 'failed') throw new Error(activity)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error('the task never came to spec review')
}

/** Resident memory of each process of a fresh, idle installation, and of the supervisor in a session at rest. */
export async function bench(): Promise<Figures> {
  await using scratch = await openScratch(say)
  const read = (name: 'control-plane' | 'worker' | 'sandbox-host'): number => residentMb(scratch.stack.process(name).pid ?? 0)
  await new Promise((resolve) => setTimeout(resolve, restMs))
  const control = read('control-plane')
  const worker = read('worker')
  const host = read('sandbox-host')
  await untilSpecReview(scratch)
  return {
    'control plane with PGlite': { value: control, unit: 'MB', bar: 350 },
    worker: { value: worker, unit: 'MB', bar: 250 },
    'sandbox host': { value: host, unit: 'MB', bar: 150 },
    'supervisor without agent': { value: await supervisorMb(scratch.stack.secrets.installation), unit: 'MB', bar: 80 },
    'control plane after a task': { value: read('control-plane'), unit: 'MB', bar: null },
    'worker after a task': { value: read('worker'), unit: 'MB', bar: null },
    'sandbox host after a task': { value: read('sandbox-host'), unit: 'MB', bar: null },
  }
}
