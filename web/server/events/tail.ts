import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import { AccessMap, type Place } from '../access/map.ts'
import { readAccess } from '../access/store.ts'
import type { Connection } from './connection.ts'
import { Ring } from './ring.ts'
import { type LogEntry, readEvents, readNewest } from './store.ts'
import { showsTo } from './viewers.ts'

const ringSize = 1000
const batch = 200
/** Units: characters written at once. */
const chunk = 16_384
/** After these, what people may see can differ: the map is read again before they are sent. */
const movesAccess = new Set(['access.changed', 'project.changed', 'repository.created'])

/** An event and not a comment, which would not reach a page's script. */
export const aliveAt = (id: number): string => `id: ${id}\nevent: alive\ndata: {}\n\n`

export interface TailParts {
  db: Knex
  log: Logger
  /** Limits how many connections read old events from the database at once. */
  gate: <T>(work: () => Promise<T>) => Promise<T>
  /** People's roles may have changed. */
  onAccessChanged(orgId: OrgId): void
}

/**
 * The one reader of an organisation's log in this process: each new event is read once and handed to every connection that may see it. Who is
 * further behind than the ring reaches catches up from the database and then goes on from the ring; both count by the number in the log, so
 * nothing is left out and nothing comes twice.
 */
export class Tail {
  readonly orgId: OrgId
  readonly connections = new Set<Connection>()
  /** Units: milliseconds since the epoch. */
  usedAt = Date.now()
  private readonly parts: TailParts
  private readonly ring: Ring
  private access: AccessMap
  private refreshing: Promise<void> = Promise.resolve()
  private reading = false
  private again = false

  private constructor(parts: TailParts, orgId: OrgId, ring: Ring, access: AccessMap) {
    this.parts = parts
    this.orgId = orgId
    this.ring = ring
    this.access = access
  }

  static async open(parts: TailParts, orgId: OrgId): Promise<Tail> {
    const ring = new Ring(ringSize, await readNewest(parts.db, orgId, ringSize))
    return new Tail(parts, orgId, ring, new AccessMap(await readAccess(parts.db, orgId)))
  }

  /** The newest number that was read. */
  get head(): number {
    return this.ring.head
  }

  add(connection: Connection): void {
    this.connections.add(connection)
    this.pump(connection)
  }

  /** `upTo`: the number that was written, where the waker knows it. */
  wake(upTo?: number): void {
    if (upTo !== undefined && upTo <= this.ring.head) return
    if (this.reading) this.again = true
    else void this.read()
  }

  private async read(): Promise<void> {
    this.reading = true
    try {
      do {
        this.again = false
        const entries = await readEvents(this.parts.db, this.orgId, this.ring.head, batch)
        await this.admit(entries)
        for (const entry of entries) this.ring.push(entry)
        if (entries.length > 0) for (const connection of this.connections) this.pump(connection)
        if (entries.length === batch) this.again = true
      } while (this.again)
    } catch (error) {
      // The next wake, at the latest the slow look of EventStreams, reads on from the same place.
      this.parts.log.warn({ err: error, orgId: this.orgId }, 'events could not be read')
    } finally {
      this.reading = false
    }
  }

  /** Brings the map of access to where these entries can be judged by it. */
  private async admit(entries: LogEntry[]): Promise<void> {
    const events = entries.flatMap(({ event }) => event ?? [])
    if (!events.some((event) => movesAccess.has(event.type) || !this.access.knows(event as Place))) return
    await this.refreshAccess()
    for (const event of events) this.access.forget(event as Place)
    if (events.some(({ type }) => type === 'access.changed')) this.parts.onAccessChanged(this.orgId)
  }

  /** One after the other: of two at once the older could be the last to arrive. */
  refreshAccess(): Promise<void> {
    this.refreshing = this.refreshing.catch(() => undefined).then(() => this.readAccess())
    return this.refreshing
  }

  private async readAccess(): Promise<void> {
    this.access = new AccessMap(await readAccess(this.parts.db, this.orgId))
    for (const { viewer } of this.connections) viewer.role = this.access.roleOf(viewer.userId) ?? viewer.role
  }

  /** Writes what this connection has not had. Does nothing while it is behind by its own fault: then `drain` comes back here. */
  pump(connection: Connection): void {
    if (connection.pause !== null) return
    if (connection.cursor < this.ring.floor) void this.catchUp(connection)
    else if (!this.send(connection, this.ring.after(connection.cursor))) void this.pumpWhenDrained(connection)
  }

  /**
   * Tells everybody who is up to date that the stream lives, and up to where it has come: a client that may see little comes back from there and
   * not from the last event it saw.
   */
  keepAlive(): void {
    const text = aliveAt(this.ring.head)
    for (const connection of this.connections) {
      if (connection.pause !== null || connection.cursor < this.ring.head) continue
      if (!connection.write(text)) void this.pumpWhenDrained(connection)
    }
  }

  private send(connection: Connection, entries: Iterable<LogEntry>): boolean {
    let text = ''
    for (const entry of entries) {
      connection.cursor = Math.max(connection.cursor, entry.id)
      if (entry.event === null || !showsTo(this.access, connection.viewer, entry.event)) continue
      text += entry.text
      if (text.length < chunk) continue
      if (!connection.write(text)) return false
      text = ''
    }
    return text === '' || connection.write(text)
  }

  private async pumpWhenDrained(connection: Connection): Promise<void> {
    if (connection.pause !== null) return
    connection.pause = 'blocked'
    await connection.drained()
    if (connection.pause !== 'blocked') return
    connection.pause = null
    this.pump(connection)
  }

  /** Not beyond the head: what the tail has not read yet is not judged yet either. */
  private async catchUp(connection: Connection): Promise<void> {
    connection.pause = 'catching up'
    try {
      while (connection.pause === 'catching up' && connection.cursor < this.ring.floor) {
        const { cursor } = connection
        const entries = await this.parts.gate(() => readEvents(this.parts.db, this.orgId, cursor, batch, this.ring.head))
        if (entries.length === 0) connection.cursor = this.ring.floor
        if (!this.send(connection, entries)) await connection.drained()
      }
      if (connection.pause !== 'catching up') return
      connection.pause = null
      this.pump(connection)
    } catch (error) {
      this.parts.log.warn({ err: error, orgId: this.orgId }, 'event stream ended')
      connection.end()
    }
  }
}
