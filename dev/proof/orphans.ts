import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { say } from '../setup/progress.mjs'
import { keepNoneWarm } from '../stack/none-warm.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { table } from '../stack/story.ts'
import type { Finding } from './kill-findings.ts'
import { random } from './kill-targets.ts'
import { type Chance, fates } from './orphans/fates.ts'
import { afterTheEnd, type Counts, countDescriptors, leftovers } from './orphans/findings.ts'
import { Ground } from './orphans/ground.ts'
import { Traces } from './orphans/traces.ts'

const lanes = 5
/** Units: milliseconds. A process has settled after its start. */
const settleMs = 5000

interface End {
  fate: string
  took: number
  over: boolean
}

/** Every fate equally often, in an order of the seed's. */
function drawn(count: number, next: () => number): string[] {
  const names = Object.keys(fates)
  const all = Array.from({ length: count }, (_, index) => names[index % names.length] as string)
  return all
    .map((name) => ({ name, at: next() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ name }) => name)
}

async function live(chance: Chance, fate: string): Promise<End> {
  const begun = Date.now()
  const id = await (fates[fate] as (typeof fates)[string])(chance)
  const over = (await chance.ground.becomes(id, 'stopped')) || (await chance.ground.state(id)) === 'stopped'
  return { fate, over, took: (Date.now() - begun) / 1000 }
}

/** Kills the host process, or the worker, after so many sessions; the later half of them lives with one host process, whose descriptors are counted. */
function strikes(count: number, { stack }: Scratch): Map<number, () => void> {
  const kill = (name: 'sandbox-host' | 'worker') => () => {
    say(`SIGKILL for the ${name}`)
    stack.process(name).kill('SIGKILL')
  }
  const at = (part: number): number => Math.round(count * part)
  return new Map([
    [at(0.08), kill('sandbox-host')],
    [at(0.16), kill('worker')],
    [at(0.24), kill('sandbox-host')],
    [at(0.32), kill('sandbox-host')],
    [at(0.4), kill('worker')],
    [at(0.48), kill('sandbox-host')],
  ])
}

async function run(scratch: Scratch, seed: number, count: number): Promise<End[]> {
  const ground = new Ground(scratch)
  const projects = { shared: await ground.project('orphans'), shortLived: await ground.project('short-lived', { ttlHours: 1 }) }
  const order = drawn(count, random(seed))
  const striking = strikes(count, scratch)
  const ends: End[] = []
  const lane = async (): Promise<void> => {
    for (let fate = order.shift(); fate !== undefined; fate = order.shift()) {
      const number = count - order.length
      striking.get(number)?.()
      // A draw of its own: what others do at the same time changes nothing in it.
      const end = await live({ ground, projects, number, next: random(seed * 1000 + number) }, fate)
      ends.push(end)
      say(`${ends.length} of ${count}: ${end.fate}, ${end.over ? 'over' : 'NOT OVER'} after ${end.took.toFixed(1)} s`)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return ends
}

/** The installation, while it runs. */
async function within(scratchDir: string, seed: number, count: number, keep: () => boolean) {
  await using scratch = await openScratch(() => {}, { HELIX_HOST_CAPACITY: '8', TMPDIR: scratchDir }, keep)
  const traces = new Traces(scratch.stack, scratchDir)
  await sleep(settleMs)
  const before: Counts = countDescriptors(scratch)
  const ends = await run(scratch, seed, count)
  keepNoneWarm(scratch.stack.process('sandbox-host'))
  const { findings, sweptAfterS } = await leftovers(scratch, traces, before)
  return { ends, findings, traces, sweptAfterS }
}

/**
 * A hundred sessions are started and ended in every way there is, five at a time, while host process and worker are killed; at the end nothing of them
 * is left on the machine. `--seed` repeats a run's choices, `--sessions` sets how many (100).
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { seed: { type: 'string' }, sessions: { type: 'string', default: '100' } } })
  const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed)
  const count = Number(values.sessions)
  say(`seed ${seed}, ${count} sessions`)
  const scratchDir = mkdtempSync(join(tmpdir(), 'helix-orphans-'))
  try {
    const { ends, findings, traces, sweptAfterS } = await within(scratchDir, seed, count, () => false)
    using _ = traces
    findings.push(...afterTheEnd(traces))
    return report(seed, ends, findings, { containers: traces.count, sweptAfterS })
  } finally {
    rmSync(scratchDir, { recursive: true, force: true })
  }
}

function report(seed: number, ends: End[], findings: Finding[], figures: { containers: number; sweptAfterS: number }): boolean {
  const rows = Object.keys(fates).map((fate) => {
    const mine = ends.filter((end) => end.fate === fate)
    const slowest = Math.max(0, ...mine.map(({ took }) => took))
    return [fate, String(mine.length), String(mine.filter(({ over }) => over).length), `${slowest.toFixed(1)} s`]
  })
  process.stdout.write(`\nseed ${seed}\n${table(['what happened', 'sessions', 'over', 'slowest'], rows)}\n`)
  const held = findings.map(({ what, holds, seen }) => [holds ? 'holds' : 'BROKEN', what, seen])
  process.stdout.write(`\n${table(['', 'what must hold', 'seen'], held)}\n`)
  const broken = findings.filter(({ holds }) => !holds).length + ends.filter(({ over }) => !over).length
  process.stdout.write(`\n${ends.length} sessions, ${figures.containers} containers, ${broken} broken\n`)
  process.stdout.write(`${JSON.stringify({ proof: 'orphans', seed, sessions: ends.length, ...figures, broken })}\n`)
  return broken === 0
}
