import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { createApiKey } from '@helix/contract/identity'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository } from '@helix/contract/repositories'
import { createTask } from '@helix/contract/tasks'
import { say } from '../setup/progress.mjs'
import { type ControlPlane, openControlPlane } from '../stack/control-plane.ts'
import { openPostgres } from '../stack/postgres.ts'
import { openStream } from '../stack/streams.ts'
import { type Figures, percentile } from './figures.ts'
import { residentMb } from './footprint.ts'

const listeners = 200
const changes = 200
const idle = 2000
/** Units: milliseconds between changes, on average. */
const paceMs = 50
/** Units: milliseconds. Long enough for garbage to be collected and for a keep-alive. */
const restMs = 20_000
const env = { HELIX_EVENT_STREAMS_PER_USER: '5000' }

async function addProject({ call }: ControlPlane): Promise<Project> {
  const repository = await call(createRepository, { body: { name: 'events', source: { kind: 'sample' } } })
  return call(createProject, { body: { name: 'Events', repositoryIds: [repository.id] } })
}

/** Credentials of their own, as people have: each is asked again and again while it listens. */
async function keysFor({ call }: ControlPlane, count: number): Promise<string[]> {
  const keys: string[] = []
  while (keys.length < count) {
    const some = Array.from({ length: Math.min(20, count - keys.length) }, () => call(createApiKey, { body: { name: 'listener' } }))
    keys.push(...(await Promise.all(some)).map(({ secret }) => secret))
  }
  return keys
}

/**
 * Times in milliseconds from asking for a change until each of the listeners has it on its stream. One client changes, at moments that follow no
 * beat; every listener's arrival is a value.
 */
async function timeChanges(plane: ControlPlane): Promise<number[]> {
  const project = await addProject(plane)
  const arrivals = new Map<string, number[]>()
  const hear = (line: string): void => {
    const taskId = /"type":"task\.created".*"taskId":"(\w+)"/.exec(line)?.[1]
    if (taskId !== undefined) arrivals.set(taskId, [...(arrivals.get(taskId) ?? []), performance.now()])
  }
  const sockets = await Promise.all((await keysFor(plane, listeners)).map((key) => openStream(plane.url, key, hear)))
  const times: number[] = []
  const body = { prompt: 'Change something', start: false }
  const change = async (): Promise<void> => {
    const asked = performance.now()
    const { id } = await plane.call(createTask, { params: { projectId: project.id }, body })
    for (let look = 0; (arrivals.get(id)?.length ?? 0) < listeners; look++) {
      if (look > 1000) throw new Error(`only ${arrivals.get(id)?.length ?? 0} of ${listeners} streams heard of a change`)
      await sleep(10)
    }
    times.push(...(arrivals.get(id) ?? []).map((at) => at - asked))
    if ((arrivals.get(id)?.length ?? 0) > listeners) throw new Error('a stream heard of a change twice')
  }
  // The first calls load what every later one has.
  for (let warm = 0; warm < 10; warm++) await change()
  times.length = 0
  const running: Promise<void>[] = []
  for (let index = 0; index < changes; index++) {
    running.push(change())
    await sleep(Math.random() * 2 * paceMs)
  }
  await Promise.all(running)
  for (const socket of sockets) socket.destroy()
  return times
}

/** Units: MB. How far the process grows by connections on which nothing happens, each with a credential of its own. */
async function idleGrowth(plane: ControlPlane, keys: string[]): Promise<number> {
  const warm = await openStream(plane.url, plane.key)
  await sleep(restMs)
  const before = residentMb(plane.pid)
  const sockets: Socket[] = []
  for (let at = 0; at < idle; at += 100)
    sockets.push(...(await Promise.all(keys.slice(at, at + 100).map((key) => openStream(plane.url, key)))))
  await sleep(restMs)
  const growth = residentMb(plane.pid) - before
  const closed = sockets.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length
  if (closed > 0) throw new Error(`${closed} of ${idle} idle streams were closed`)
  for (const socket of [warm, ...sockets]) socket.destroy()
  return growth
}

/** How soon a change is on the streams of others, and what idle streams cost. */
export async function bench(): Promise<Figures> {
  await using postgres = await openPostgres()
  const onPostgres = { ...env, DATABASE_URL: postgres.url, HELIX_ENCRYPTION_KEY: randomBytes(32).toString('hex') }
  let times: number[]
  let keys: string[]
  {
    await using plane = await openControlPlane(onPostgres)
    times = await timeChanges(plane)
    // Here, so that the process whose growth is measured does not begin with the waste of making them.
    keys = await keysFor(plane, idle)
    say(`PostgreSQL: ${changes} changes seen by ${listeners} streams each`)
  }
  let embedded: number[]
  {
    await using plane = await openControlPlane(env)
    embedded = await timeChanges(plane)
    say(`PGlite: ${changes} changes seen by ${listeners} streams each`)
  }
  await using plane = await openControlPlane(onPostgres)
  const growth = await idleGrowth(plane, keys)
  return {
    change_seen_p50: { value: percentile(times, 50), unit: 'ms', bar: 150 },
    change_seen_p99: { value: percentile(times, 99), unit: 'ms', bar: 500 },
    sse_idle_rss: { value: growth, unit: 'MB', bar: 150 },
    change_seen_p50_pglite: { value: percentile(embedded, 50), unit: 'ms', bar: null },
    change_seen_p99_pglite: { value: percentile(embedded, 99), unit: 'ms', bar: null },
  }
}
