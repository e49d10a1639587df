import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from './database.ts'
import { migrateUp } from './migrate.ts'
import { createDatabase } from './testing-postgres.ts'

/** For vitest: makes a migrated database once for a run, which each test that wants one copies; answers with how it is removed. */
export default async function setup(): Promise<() => Promise<void>> {
  const url = process.env.TEST_DATABASE_URL
  const folder = mkdtempSync(join(tmpdir(), 'hx-template-'))
  const own = url === undefined ? null : await createDatabase(url, `template_${randomBytes(6).toString('hex')}`)
  const database = await openDatabase(own?.url, folder)
  await migrateUp(database.db)
  await database[Symbol.asyncDispose]()
  process.env.TEST_DATABASE_TEMPLATE = own?.name ?? join(folder, 'postgres')
  return async () => {
    await own?.drop()
    rmSync(folder, { recursive: true, force: true })
  }
}
