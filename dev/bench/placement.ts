import { setTimeout as sleep } from 'node:timers/promises'
import type { OrgId, ProjectId, SessionId, UserId } from '@helix/contract/ids'
import { newId } from '@helix/web/server/context.ts'
import { type Database, openDatabase } from '@helix/web/server/db/database.ts'
import { migrateUp } from '@helix/web/server/db/migrate.ts'
import { EventBus } from '@helix/web/server/events/bus.ts'
import { admit, lockUnlessReserved } from '@helix/web/server/placement/admit.ts'
import { place } from '@helix/web/server/placement/place.ts'
import { roomChanged } from '@helix/web/server/placement/room.ts'
import { addHostRow, addProjectRow, addSessionRows, keepAlive, overCommitted } from '@helix/web/server/placement/testing.ts'
import { say } from '../setup/progress.mjs'
import { openPostgres } from '../stack/postgres.ts'
import { type Figures, percentile } from './figures.ts'

const hosts = 100
const placesPerHost = 5
const sessions = 1000
const organisations = 10
/** Activities of a control plane that ask at once. Both control planes share this process: what more of them took would be its time and not that of a decision. */
const askersPerPlane = 1
/** Units: milliseconds that a session runs, and after which one that waits asks again without having been told. */
const runsMs = 1500
const asksAgainMs = 10_000

type Plane = Parameters<typeof place>[0]

const planeOn = ({ db }: Database): Plane => ({ db, bus: new EventBus(), outbox: { nudge: () => undefined } })

async function seed({ db }: Database): Promise<SessionId[]> {
  for (let made = 0; made < hosts; made++)
    await addHostRow(db, { name: `host ${made}`, capacity: placesPerHost, memoryBytes: 24 * 1024 ** 3, roomBytes: 24 * 1024 ** 3 })
  const ids: SessionId[] = []
  for (let made = 0; made < organisations; made++) {
    const [orgId, userId]: [OrgId, UserId] = [newId('org'), newId('user')]
    await db('organisations').insert({ id: orgId, slug: `org-${made}`, name: `Organisation ${made}` })
    await db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Somebody' })
    const projectId: ProjectId = await addProjectRow(db, orgId, { size: made % 3 === 0 ? 'large' : 'medium' })
    ids.push(...(await addSessionRows(db, { orgId, userId, projectId }, sessions / organisations)))
  }
  await db.raw('analyze')
  // Organisations ask all at once, and not one after the other.
  return ids.toSorted(() => Math.random() - 0.5)
}

/** As the claim of a host does, without what only a start needs. */
async function claim({ db }: Plane, id: SessionId, hostId: Parameters<typeof admit>[2]): Promise<boolean> {
  return db.transaction(async (trx) => {
    const locked = await lockUnlessReserved(trx, id, hostId)
    const session = await trx('agent_sessions').where({ id }).forUpdate().first()
    const admitted = await admit(trx, session, hostId, locked)
    if (admitted.refusal !== null) return false
    const home = { host_id: hostId, host_boot_id: 'boot-1', epoch: session.epoch + 1 }
    await trx('agent_sessions')
      .where({ id })
      .update({ ...home, state: 'running', memory_mb: admitted.memoryMb })
    return true
  })
}

class Run {
  readonly decisions: number[] = []
  readonly waits: number[] = []
  readonly faults = new Set<string>()
  private readonly sleepers = new Map<SessionId, () => void>()
  private readonly planes: Plane[]
  private readonly free: number[]
  /** Who waits for an activity of each control plane, in order: a thousand that poll would be what is measured. */
  private readonly lines: (() => void)[][]

  constructor(planes: Plane[]) {
    this.planes = planes
    this.free = planes.map(() => askersPerPlane)
    this.lines = planes.map(() => [])
  }

  /** One session from its first asking to its end, with whichever control plane has an activity free. */
  async live(id: SessionId, index: number): Promise<void> {
    const number = index % this.planes.length
    const plane = this.planes[number] as Plane
    const begin = performance.now()
    for (;;) {
      const hostId = await this.ask(plane, number, id)
      if (hostId !== null && (await claim(plane, id, hostId))) break
      await this.wake(id)
    }
    this.waits.push(performance.now() - begin)
    await sleep(runsMs * (0.5 + Math.random()))
    await plane.db('agent_sessions').where({ id }).update({ state: 'stopped' })
    await roomChanged(plane)
  }

  private async ask(plane: Plane, number: number, id: SessionId) {
    if ((this.free[number] ?? 0) > 0) this.free[number] = (this.free[number] ?? 0) - 1
    else await new Promise<void>((resolve) => this.lines[number]?.push(resolve))
    try {
      const begin = performance.now()
      const answer = await place(plane, id)
      this.decisions.push(performance.now() - begin)
      return answer.placed ? answer.hostId : null
    } finally {
      const next = this.lines[number]?.shift()
      if (next === undefined) this.free[number] = (this.free[number] ?? 0) + 1
      else next()
    }
  }

  /** Resolves when it is told that there is a place, and after a while without. */
  private wake(id: SessionId): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, asksAgainMs)
      this.sleepers.set(id, () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  /** What the relay of the outbox and reports of hosts do, and the look for what must never be. */
  async watch({ db }: Database, over: () => boolean): Promise<void> {
    while (!over()) {
      const rows = await db('outbox').delete('payload')
      for (const { payload } of rows) this.sleepers.get(payload.sessionId)?.()
      for (const fault of await overCommitted(db)) this.faults.add(fault)
      await keepAlive(db)
      await sleep(100)
    }
  }
}

/** A thousand sessions ask two control planes on PostgreSQL for places on a hundred hosts that have room for half of them. */
export async function bench(): Promise<Figures> {
  await using postgres = await openPostgres()
  await using first = await openDatabase(postgres.url, '')
  await using second = await openDatabase(postgres.url, '')
  await using watcher = await openDatabase(postgres.url, '')
  await migrateUp(first.db)
  const ids = await seed(first)
  say(`${ids.length} sessions, ${hosts} hosts with ${placesPerHost} places each`)
  const run = new Run([planeOn(first), planeOn(second)])
  let over = false
  const watching = run.watch(watcher, () => over)
  await Promise.all(ids.map((id, index) => run.live(id, index)))
  over = true
  await watching
  for (const fault of run.faults) say(fault)
  return {
    over_commitments: { value: run.faults.size, unit: '', bar: 0 },
    never_placed: { value: sessions - run.waits.length, unit: '', bar: 0 },
    decisions: { value: run.decisions.length, unit: '', bar: null },
    decision_p50: { value: percentile(run.decisions, 50), unit: 'ms', bar: null },
    decision_p99: { value: percentile(run.decisions, 99), unit: 'ms', bar: 50 },
    wait_p50: { value: percentile(run.waits, 50), unit: 'ms', bar: null },
  }
}
