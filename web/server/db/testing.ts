import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import { type Database, openDatabase } from './database.ts'
import { migrateUp } from './migrate.ts'

/** For vitest only: the database that the run is about. */
const postgresUrl = (): string | undefined => process.env.TEST_DATABASE_URL

async function ownDatabase(url: string): Promise<{ url: string; drop: () => Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const run = async (sql: string): Promise<void> => {
    const admin: Knex = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
    await admin.raw(sql)
    await admin.destroy()
  }
  await run(`create database ${name}`)
  const own = url.replace(/\/postgres(\?|$)/, `/${name}$1`)
  return { url: own, drop: () => run(`drop database ${name} with (force)`) }
}

/** An empty database of its own, PGlite or, with TEST_DATABASE_URL, PostgreSQL; `migrated` unless told otherwise. */
export async function openTestDatabase({ migrated = true } = {}): Promise<Database> {
  const url = postgresUrl()
  const folder = mkdtempSync(join(tmpdir(), 'hx-'))
  const own = url === undefined ? null : await ownDatabase(url)
  const database = await openDatabase(own?.url, folder)
  if (migrated) await migrateUp(database.db)
  const dispose = async (): Promise<void> => {
    await database[Symbol.asyncDispose]()
    await own?.drop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { db: database.db, dialect: database.dialect, url: database.url, [Symbol.asyncDispose]: dispose }
}
