import { randomBytes, randomInt } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Project } from '@helix/contract/projects'
import { listHosts } from '@helix/contract/system'
import type { Task } from '@helix/contract/tasks'
import { root } from '../config.ts'
import { say } from '../setup/progress.mjs'
import { removeEverything } from '../stack/leftovers.ts'
import { keepNoneWarm } from '../stack/none-warm.ts'
import { SupervisedProcess } from '../stack/process.ts'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { allowTasksAtOnce, createAndStart, driveToMerged, openProject, persistently, table } from '../stack/story.ts'
import { CutWatch, cutFindings, type Partition } from './host-loss-cut.ts'
import { drainWhile } from './host-loss-drain.ts'
import { directions, HostNetwork, lead } from './host-loss-network.ts'
import { Places } from './host-loss-places.ts'
import { type Finding, findingsOf, leftoverFindings } from './kill-findings.ts'
import { random } from './kill-targets.ts'

const tasksAtOnce = 4
/** Units: milliseconds. A host counts as lost after 90 s of silence. */
const lossMs = { least: 100_000, most: 125_000 }
const hiccupMs = { least: 5000, most: 20_000 }
const calmMs = 10_000
const deadlineMs = 30 * 60_000

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A sandbox host in a network of its own. It shares the engine with the other, and neither names nor state. */
class RemoteHost implements AsyncDisposable {
  readonly name: string
  readonly network: HostNetwork
  readonly installation: string
  private readonly dataDir: string
  private process: SupervisedProcess | null = null
  private leads: Server[] = []

  constructor(scratch: Scratch, mark: string, number: number) {
    this.name = `host ${number}`
    this.installation = `${scratch.stack.secrets.installation}-${number}`
    this.dataDir = join(scratch.stack.config.dataDir, `remote-${number}`)
    this.network = new HostNetwork(mark, number)
  }

  get hostId(): string {
    const path = join(this.dataDir, 'host', 'id')
    return existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
  }

  async start({ stack }: Scratch): Promise<void> {
    const { port, temporalPort, dataDir } = stack.config
    const { gateway, enter } = this.network
    this.leads = await Promise.all([lead(gateway, port), lead(gateway, temporalPort)])
    const main = join(root, 'sandbox/src/main.ts')
    const plan = {
      name: this.name,
      program: 'ip',
      args: [...enter, process.execPath, '--disable-warning=ExperimentalWarning', main],
      env: {
        ...process.env,
        HELIX_DATA_DIR: this.dataDir,
        HELIX_HOST_NAME: this.name,
        HELIX_INSTALLATION: this.installation,
        HELIX_RUNNER_TOKEN: stack.secrets.runnerToken,
        HELIX_CONTROL_PLANE_URL: `http://${gateway}:${port}`,
        TEMPORAL_ADDRESS: `${gateway}:${temporalPort}`,
        HELIX_HOST_CAPACITY: String(tasksAtOnce),
        // The bridges of sessions are in the machine's network, not in this one.
        HELIX_ALLOW_UNFILTERED_EGRESS: '1',
        MALLOC_ARENA_MAX: '2',
      },
      logFile: join(dataDir, 'logs', `remote-${this.installation}.log`),
      cwd: root,
    }
    this.process = new SupervisedProcess(plan, (who, how) => say(`${who} ended (${how})`))
  }

  keepNoneWarm(): void {
    if (this.process !== null) keepNoneWarm(this.process)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process?.stop()
    for (const server of this.leads) server.close()
    this.network[Symbol.dispose]()
    await removeEverything(this.installation)
  }
}

async function bothReady({ call }: Scratch, hosts: readonly RemoteHost[]): Promise<void> {
  await persistently(async () => {
    const { items } = await call(listHosts, {})
    for (const { hostId, name } of hosts) {
      const found = items.find(({ id }) => id === hostId)
      if (!found?.online || found.problem !== null || found.capacity === 0) throw new Error(`${name}: ${found?.problem ?? 'not there yet'}`)
    }
  }, 300_000)
}

/** Once a host comes back, nothing of a session that went elsewhere is left on it. */
async function cleared(places: Places, hostId: string): Promise<boolean> {
  const stale = () =>
    places.on(hostId).filter(({ sessionId, epoch }) => places.now.some((one) => one.sessionId === sessionId && one.epoch > epoch))
  for (const end = Date.now() + 60_000; Date.now() < end; await pause(1000)) if (stale().length === 0) return true
  return false
}

/** Cuts one host off after another until the tasks are over, and at least `least` times. */
async function partitionUntil(
  scratch: Scratch,
  hosts: readonly RemoteHost[],
  places: Places,
  next: () => number,
  made: Partition[],
  over: () => boolean,
): Promise<void> {
  while (!over()) {
    const host = hosts[Math.floor(next() * hosts.length)] ?? hosts[0]
    const direction = directions[Math.floor(next() * directions.length)] ?? 'both ways'
    const { least, most } = next() < 0.6 ? lossMs : hiccupMs
    const lasts = least + next() * (most - least)
    if (host === undefined || places.on(host.hostId).length === 0) {
      await pause(500)
      continue
    }
    using watch = new CutWatch(scratch, places, host.hostId)
    say(`cutting ${host.name} off, ${direction}, for ${Math.round(lasts / 1000)} s; ${watch.seen.sessions} sessions run there`)
    host.network.cut(direction)
    const cutAt = Date.now()
    for (const end = Date.now() + lasts; Date.now() < end && !over(); ) await pause(500)
    host.network.heal()
    const lasted = (Date.now() - cutAt) / 1000
    made.push({ host: host.name, direction, lasted, ...watch.seen, cleared: await cleared(places, host.hostId) })
    await pause(calmMs)
  }
}

async function runRound(scratch: Scratch, project: Project, round: number): Promise<Task[]> {
  const drive = async (_: unknown, index: number): Promise<Task> => {
    const story = { name: `Add a function (${round}.${index + 1})`, prompt: 'Add a slugify function\n\nCover it with tests.' }
    const created = await createAndStart(scratch.call, project, story, `loss-${round}-${index}`)
    return driveToMerged(scratch.call, created.id, deadlineMs, () => {})
  }
  return Promise.all(Array.from({ length: tasksAtOnce }, drive))
}

/** A prompt whose host is lost is given to the next one; to the same host it is never given twice. */
function placeFindings(places: Places, tasks: readonly Task[], prompts: Finding[]): Finding[] {
  const moved = new Set(
    tasks.filter(({ sessionId }) => (places.ways.get(sessionId ?? '')?.length ?? 0) > 1).map(({ number }) => `#${number}`),
  )
  return prompts.filter(({ what }) => !what.includes('no prompt reached') || !moved.has(what.split(' ')[0] ?? ''))
}

/**
 * Two sandbox hosts in network namespaces, one control plane. While tasks run, one host after the other loses the control plane in one direction or
 * both, for a moment or for longer than it takes to count as lost; at the end one of them is drained. `--seed` repeats a run's choices, `--cuts` sets how many at least (4).
 */
export async function proof(args: string[]): Promise<boolean> {
  const { values } = parseArgs({ args, options: { seed: { type: 'string' }, cuts: { type: 'string', default: '4' } } })
  const seed = values.seed === undefined ? randomInt(1, 1_000_000) : Number(values.seed)
  const next = random(seed)
  say(`seed ${seed}`)
  let kept = false
  await using scratch = await openScratch(
    () => {},
    {},
    () => kept,
  )
  // The two in namespaces take its place.
  await scratch.stack.process('sandbox-host').stop()
  const mark = randomBytes(2).toString('hex')
  await using first = new RemoteHost(scratch, mark, 1)
  await using second = new RemoteHost(scratch, mark, 2)
  const hosts = [first, second]
  for (const host of hosts) await host.start(scratch)
  await bothReady(scratch, hosts)
  using places = new Places(hosts.map(({ installation }) => installation))
  const project = await openProject(scratch.call, 'host-loss', null)
  await allowTasksAtOnce(scratch.call, project, tasksAtOnce)
  const made: Partition[] = []
  const tasks: Task[] = []
  for (let round = 1; made.length < Number(values.cuts); round++) {
    say(`round ${round}: ${tasksAtOnce} tasks`)
    let over = false
    const running = runRound(scratch, project, round).finally(() => {
      over = true
    })
    const cutting = partitionUntil(scratch, hosts, places, next, made, () => over)
    tasks.push(...(await running))
    await cutting
  }
  say(`the last round: ${tasksAtOnce} tasks, and one host is drained`)
  const drained = await drainWhile(scratch, places, first.hostId, runRound(scratch, project, 0))
  tasks.push(...drained.tasks)
  const findings = placeFindings(places, tasks, (await Promise.all(tasks.map((task) => findingsOf(scratch, project, task)))).flat())
  findings.push({
    what: 'no session was in two places in one epoch',
    holds: places.doubled.size === 0,
    seen: [...places.doubled].join(', '),
  })
  findings.push(...cutFindings(made), ...drained.findings)
  for (const host of hosts) host.keepNoneWarm()
  for (const { installation } of hosts) findings.push(...(await leftoverFindings(scratch, 180_000, installation)))
  return report(seed, made, findings, tasks, (broken) => {
    kept = broken
    if (broken) say(`kept for looking into: ${scratch.stack.config.dataDir}`)
  })
}

function report(seed: number, made: Partition[], findings: Finding[], tasks: Task[], tell: (broken: boolean) => void): boolean {
  const rows = findings.map(({ what, holds, seen }) => [holds ? 'holds' : 'BROKEN', what, seen])
  process.stdout.write(`\n${table(['', 'what must hold', 'seen'], rows)}\n`)
  const seconds = (time: number | null): string => (time === null ? '-' : `${time.toFixed(0)} s`)
  const cuts = made.map(({ host, direction, lasted, sessions, offlineAfter, movedAfter, moved, cleared: clean }) => [
    host,
    direction,
    seconds(lasted),
    String(sessions),
    seconds(offlineAfter),
    `${moved} after ${seconds(movedAfter)}`,
    clean ? 'yes' : 'NO',
  ])
  const head = ['host', 'cut', 'lasted', 'sessions there', 'silent after', 'placed anew', 'cleared']
  process.stdout.write(`\nseed ${seed}\n${table(head, cuts)}\n`)
  const broken = findings.filter(({ holds }) => !holds).length
  process.stdout.write(`\n${tasks.length} tasks merged, ${made.length} partitions, ${broken} broken\n`)
  process.stdout.write(`${JSON.stringify({ proof: 'host-loss', seed, tasks: tasks.length, partitions: made, broken })}\n`)
  tell(broken > 0)
  return broken === 0
}
