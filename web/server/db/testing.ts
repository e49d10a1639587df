import { randomBytes } from 'node:crypto'
import { constants, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, openDatabase } from './database.ts'
import { migrateUp } from './migrate.ts'
import { createDatabase } from './testing-postgres.ts'

/** For vitest only: the database that the run is about, and what `testing-template.ts` made of it. */
const postgresUrl = (): string | undefined => process.env.TEST_DATABASE_URL
const templateOfRun = (): string | undefined => process.env.TEST_DATABASE_TEMPLATE

/** A database of its own, PGlite or, with TEST_DATABASE_URL, PostgreSQL; `migrated` unless told otherwise, else empty. */
export async function openTestDatabase({ migrated = true } = {}): Promise<Database> {
  const url = postgresUrl()
  const template = migrated ? templateOfRun() : undefined
  const folder = mkdtempSync(join(tmpdir(), 'hx-'))
  const own = url === undefined ? null : await createDatabase(url, `test_${randomBytes(6).toString('hex')}`, template)
  if (own === null && template !== undefined)
    cpSync(template, join(folder, 'postgres'), { recursive: true, mode: constants.COPYFILE_FICLONE })
  const database = await openDatabase(own?.url, folder)
  if (migrated && template === undefined) await migrateUp(database.db)
  const dispose = async (): Promise<void> => {
    await database[Symbol.asyncDispose]()
    await own?.drop()
    rmSync(folder, { recursive: true, force: true })
  }
  return { ...database, [Symbol.asyncDispose]: dispose }
}
