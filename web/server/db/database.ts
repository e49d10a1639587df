import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import type { Logger } from 'pino'
import { type Listener, listenTo } from './listen.ts'
import { startPglite } from './pglite.ts'

export type Dialect = 'pglite' | 'postgres'

export interface Database extends AsyncDisposable {
  db: Knex
  dialect: Dialect
  /** Of PostgreSQL; null for the embedded database, which one process has to itself. */
  url: string | null
  /** Hears NOTIFY on a channel. */
  hear(channel: string, listener: Listener, log: Logger): AsyncDisposable
}

// bigint (events, outbox, counts): all of ours stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

function connect(connection: Knex.PgConnectionConfig | string, pool: Knex.PoolConfig): Knex {
  return knex({ client: 'pg', connection, pool: { min: 0, idleTimeoutMillis: 30_000, ...pool }, acquireConnectionTimeout: 15_000 })
}

/** All clients of PGlite share one session, so what it is notified of comes back on the one connection, with the commit. */
class Ears {
  private readonly listeners = new Map<string, Set<Listener>>()

  attach(connection: pg.Client): void {
    connection.on('notification', ({ channel, payload }) => {
      for (const { onPayload } of this.listeners.get(channel) ?? []) onPayload(payload ?? '')
    })
    for (const all of this.listeners.values()) for (const { onListening } of all) onListening()
  }

  hear(db: Knex, channel: string, listener: Listener, log: Logger): AsyncDisposable {
    const all = this.listeners.get(channel) ?? new Set()
    this.listeners.set(channel, all.add(listener))
    db.raw(`listen ${channel}`).then(listener.onListening, (error: unknown) => log.error({ err: error, channel }, 'not listening'))
    return {
      [Symbol.asyncDispose]: async () => {
        all.delete(listener)
      },
    }
  }
}

/** PostgreSQL at `url`, or PGlite in `<dataDir>/postgres` when there is none. */
export async function openDatabase(url: string | undefined, dataDir: string): Promise<Database> {
  if (url !== undefined) {
    const db = connect(url, { max: 20 })
    const hear: Database['hear'] = (channel, listener, log) => listenTo(url, channel, listener, log)
    return { db, dialect: 'postgres', url, hear, [Symbol.asyncDispose]: () => db.destroy() }
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const pglite = await startPglite(join(dataDir, 'postgres'))
  // All clients share one session of PGlite, its unnamed statement too: two connections at once bind each other's parameters (measured).
  const ears = new Ears()
  const afterCreate = (connection: pg.Client, done: (error: Error | null, connection: pg.Client) => void): void => {
    ears.attach(connection)
    done(null, connection)
  }
  const db = connect({ host: pglite.socketFolder, user: 'postgres', database: 'postgres' }, { max: 1, afterCreate })
  const dispose = async (): Promise<void> => {
    await db.destroy()
    await pglite[Symbol.asyncDispose]()
  }
  const hear: Database['hear'] = (channel, listener, log) => ears.hear(db, channel, listener, log)
  return { db, dialect: 'pglite', url: null, hear, [Symbol.asyncDispose]: dispose }
}
