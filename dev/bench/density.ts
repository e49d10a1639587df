import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import { execCommand } from '@helix/contract/machine-use'
import { createSession } from '@helix/contract/session-life'
import { getSession } from '@helix/contract/sessions'
import { say } from '../setup/progress.mjs'
import { openScratch, type Scratch } from '../stack/scratch.ts'
import { machinesWait, sessionContainers, waitingMachines } from '../stack/session-containers.ts'
import { openProject, table } from '../stack/story.ts'
import { type Figures, median } from './figures.ts'
import { residentMb } from './footprint.ts'

const sessions = 10
/** Units: milliseconds. Long enough for start-up garbage to be collected. */
const restMs = 20_000
const megabyte = 1024 ** 2

interface Process {
  pid: number
  args: string
}

function processesOf(containerId: string): Process[] {
  const rows = execFileSync('docker', ['top', containerId, '-eo', 'pid,args'], { encoding: 'utf8' }).trim().split('\n').slice(1)
  return rows.map((row) => {
    const [, pid = '0', args = ''] = /^\s*(\d+)\s+(.*)$/.exec(row) ?? []
    return { pid: Number(pid), args }
  })
}

/** What a process has for itself, and its share of what it has with others, in MB. */
function shareMb(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return Number(match?.[1] ?? 0) / 1024
}

/** Of a container: everything but its agent, and the agent. */
function memoryOf(containerId: string): { machine: number; agent: number } {
  const sum = (all: Process[]): number => all.reduce((mb, { pid }) => mb + shareMb(pid), 0)
  const all = processesOf(containerId)
  const isAgent = ({ args }: Process): boolean => args.includes('/opt/agents/')
  return { machine: sum(all.filter((one) => !isAgent(one))), agent: sum(all.filter(isAgent)) }
}

async function beginAll({ call }: Scratch): Promise<SessionId[]> {
  const project = await openProject(call, 'density', null)
  const params = { projectId: project.id }
  const ids: SessionId[] = []
  for (let count = 0; count < sessions; count++) {
    const { id } = await call(createSession, { params, body: {} })
    for (let look = 0; (await call(getSession, { params: { sessionId: id } })).state !== 'idle'; look++) {
      if (look > 600) throw new Error(`${id} is not idle within a minute`)
      await sleep(100)
    }
    ids.push(id)
  }
  return ids
}

/** The first run in a session, and one after it. Units: milliseconds. */
async function innerRuns({ call }: Scratch, sessionId: SessionId): Promise<[number, number]> {
  const inside = async (command: string): Promise<number> => {
    const { exitCode, stderr, durationMs } = await call(execCommand, { params: { sessionId }, body: { command } })
    if (exitCode !== 0) throw new Error(stderr)
    return durationMs
  }
  // An image of one program, with what it needs.
  await inside("tar -chf - -C / bin/true $(ldd /bin/true | grep -o '/[^ ]*' | cut -c2-) | docker import - tiny >/dev/null")
  return [await inside('docker run --rm tiny /bin/true'), await inside('docker run --rm tiny /bin/true')]
}

/** What idle sessions take of this machine, with an inner Docker engine each; their agents are shown by themselves. */
export async function bench(): Promise<Figures> {
  await using scratch = await openScratch(say, { HELIX_WARM_SESSIONS: '1', HELIX_HOST_CAPACITY: '20', HELIX_HOST_MEMORY_FACTOR: '10' })
  const { installation } = scratch.stack.secrets
  await machinesWait(installation, 1)
  const [waiting] = await waitingMachines(installation)
  const waits = waiting === undefined ? 0 : memoryOf(waiting).machine
  const before = freemem()
  const ids = await beginAll(scratch)
  await machinesWait(installation, 1)
  await sleep(restMs)
  const lost = (before - freemem()) / sessions / megabyte
  const all = (await sessionContainers(installation)).map(({ id }) => memoryOf(id))
  const rows = all.map(({ machine, agent }, index) => [String(index + 1), machine.toFixed(0), agent.toFixed(0)])
  process.stdout.write(`\nMB of each idle session\n${table(['session', 'machine', 'agent'], rows)}\n`)
  const hostMb = residentMb(scratch.stack.process('sandbox-host').pid ?? 0)
  const [first, second] = await innerRuns(scratch, ids[0] as SessionId)
  return {
    [`idle session without agent, the largest of ${sessions}`]: {
      value: Math.max(...all.map(({ machine }) => machine)),
      unit: 'MB',
      bar: 120,
    },
    'idle session without agent, p50': { value: median(all.map(({ machine }) => machine)), unit: 'MB', bar: null },
    'its agent (goose), p50': { value: median(all.map(({ agent }) => agent)), unit: 'MB', bar: null },
    'memory of the machine that went, for each session with its agent': { value: lost, unit: 'MB', bar: null },
    'machine that waits': { value: waits, unit: 'MB', bar: null },
    [`sandbox host with ${sessions} sessions`]: { value: hostMb, unit: 'MB', bar: 150 },
    'inner docker run, the first': { value: first, unit: 'ms', bar: null },
    'inner docker run': { value: second, unit: 'ms', bar: 1000 },
  }
}
