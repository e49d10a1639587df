import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Project } from '@helix/contract/projects'
import type { Task } from '@helix/contract/tasks'
import { say } from '../setup/progress.mjs'
import { keepNoneWarm } from '../stack/none-warm.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { allowTasksAtOnce, createAndStart, driveToMerged, openProject, table } from '../stack/story.ts'
import { type Finding, findingsOf, leftoverFindings } from './kill-findings.ts'
import { random, strike, type Target, targets } from './kill-targets.ts'

const tasksAtOnce = 5
/** Units: milliseconds. */
const roundDeadlineMs = 20 * 60_000
const pauseMs = { least: 1500, most: 6000 }

interface Kill {
  at: number
  target: Target
  hit: string
}

const stories = [
  'Add a slugify function',
  'Add a word counter',
  'Add a title case function',
  'Add a truncate function',
  'Add a palindrome check',
]

async function runTasks(scratch: Scratch, project: Project, round: number): Promise<Task[]> {
  const drive = async (name: string, index: number): Promise<Task> => {
    const story = { name: `${name} (${round}.${index + 1})`, prompt: `${name}\n\nCover it with tests.` }
    const created = await createAndStart(scratch.call, project, story, `kill-${round}-${index}`)
    return driveToMerged(scratch.call, created.id, roundDeadlineMs, () => {})
  }
  return Promise.all(stories.slice(0, tasksAtOnce).map(drive))
}

/** Kills one target after another at random moments until `until` settles. */
async function killUntil(scratch: Scratch, next: () => number, kills: Kill[], until: Promise<unknown>): Promise<void> {
  let over = false
  const ended = until.then(
    () => {
      over = true
    },
    () => {
      over = true
    },
  )
  const begun = Date.now()
  for (let turn = kills.length; !over; turn++) {
    const pause = pauseMs.least + next() * (pauseMs.most - pauseMs.least)
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, pause))])
    if (over) return
    const target = targets[turn % targets.length] ?? 'worker'
    const hit = await strike(scratch.stack, target, next).catch((error: unknown) => {
      say(`could not hit ${target}: ${error}`)
      return null
    })
    if (hit === null) continue
    kills.push({ at: (Date.now() - begun) / 1000, target, hit })
    say(`kill ${kills.length}: ${target} (${hit})`)
  }
}

function printKills(seed: number, kills: Kill[]): void {
  const rows = targets.map((target) => {
    const mine = kills.filter((kill) => kill.target === target)
    return [target, String(mine.length), mine.map((kill) => `${kill.at.toFixed(1)} s`).join(', ')]
  })
  process.stdout.write(`\nseed ${seed}, ${kills.length} kills\n${table(['target', 'kills', 'moments'], rows)}\n`)
}

function printFindings(findings: Finding[]): void {
  const rows = findings.map(({ what, holds, seen }) => [holds ? 'holds' : 'BROKEN', what, seen])
  process.stdout.write(`\n${table(['', 'what must hold', 'seen'], rows)}\n`)
}

/**
 * While five tasks run, SIGKILL in turn control plane, worker, sandbox host, Temporal, an agent and a session container, at random moments.
 * Rounds of five tasks follow each other until there were enough kills. `--seed` repeats a run's choices, `--kills` sets how many (20).
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { seed: { type: 'string' }, kills: { type: 'string', default: '20' } } })
  const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed)
  const wanted = Number(values.kills)
  const next = random(seed)
  say(`seed ${seed}`)
  let kept = false
  await using scratch = await openScratch(
    () => {},
    {},
    () => kept,
  )
  const project = await openProject(scratch.call, 'kill', null)
  await allowTasksAtOnce(scratch.call, project, tasksAtOnce)
  const kills: Kill[] = []
  const tasks: Task[] = []
  for (let round = 1; kills.length < wanted; round++) {
    say(`round ${round}: ${tasksAtOnce} tasks`)
    const running = runTasks(scratch, project, round)
    await killUntil(scratch, next, kills, running)
    tasks.push(...(await running))
  }
  const findings = (await Promise.all(tasks.map((task) => findingsOf(scratch, project, task)))).flat()
  keepNoneWarm(scratch.stack.process('sandbox-host'))
  findings.push(...(await leftoverFindings(scratch, 180_000)))
  printFindings(findings)
  printKills(seed, kills)
  const broken = findings.filter(({ holds }) => !holds).length
  kept = broken > 0
  if (kept) say(`kept for looking into: ${scratch.stack.config.dataDir}`)
  process.stdout.write(`\n${tasks.length} tasks merged, ${kills.length} kills, ${broken} broken\n`)
  return broken === 0 && kills.length >= wanted
}
