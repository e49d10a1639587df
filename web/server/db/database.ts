import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { startPglite } from './pglite.ts'

export type Dialect = 'pglite' | 'postgres'

export interface Database extends AsyncDisposable {
  db: Knex
  dialect: Dialect
  /** Of PostgreSQL; null for the embedded database, which one process has to itself. */
  url: string | null
}

// bigint (events, outbox, counts): all of ours stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

function connect(connection: Knex.PgConnectionConfig | string, max: number): Knex {
  return knex({ client: 'pg', connection, pool: { min: 0, max, idleTimeoutMillis: 30_000 }, acquireConnectionTimeout: 15_000 })
}

/** PostgreSQL at `url`, or PGlite in `<dataDir>/postgres` when there is none. */
export async function openDatabase(url: string | undefined, dataDir: string): Promise<Database> {
  if (url !== undefined) {
    const db = connect(url, 20)
    return { db, dialect: 'postgres', url, [Symbol.asyncDispose]: () => db.destroy() }
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const pglite = await startPglite(join(dataDir, 'postgres'))
  // All clients share one session of PGlite, its unnamed statement too: two connections at once bind each other's parameters (measured).
  const db = connect({ host: pglite.socketFolder, user: 'postgres', database: 'postgres' }, 1)
  const dispose = async (): Promise<void> => {
    await db.destroy()
    await pglite[Symbol.asyncDispose]()
  }
  return { db, dialect: 'pglite', url: null, [Symbol.asyncDispose]: dispose }
}
