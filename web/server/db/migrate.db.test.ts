import { newestMigration } from '@helix/migrations'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from './database.ts'
import { appliedMigration, migrateDown, migrateUp } from './migrate.ts'
import { openTestDatabase } from './testing.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase({ migrated: false })
})
afterAll(() => database[Symbol.asyncDispose]())

/** Tables, columns and indexes by name, without those of the migration log. */
async function schema(): Promise<string[]> {
  const { rows } = (await database.db.raw(`
    select table_name || '.' || column_name || ' ' || data_type as line from information_schema.columns where table_schema = 'public'
    union select indexname from pg_indexes where schemaname = 'public' order by 1`)) as { rows: { line: string }[] }
  return rows.map(({ line }) => line).filter((line) => !line.startsWith('knex_'))
}

test('migrations go up, down to nothing, and up again to the same schema', async () => {
  expect(await schema()).toEqual([])
  await migrateUp(database.db)
  const up = await schema()
  expect(up.length).toBeGreaterThan(50)
  expect(await appliedMigration(database.db)).toBe(newestMigration)
  await migrateDown(database.db)
  expect(await schema()).toEqual([])
  await migrateUp(database.db)
  expect(await schema()).toEqual(up)
})

test('a second start finds the schema as it is', async () => {
  await migrateUp(database.db)
  expect(await appliedMigration(database.db)).toBe(newestMigration)
})

test('two replicas that migrate at once leave one schema', async () => {
  await migrateDown(database.db)
  const results = await Promise.allSettled([migrateUp(database.db), migrateUp(database.db)])
  expect(results.some(({ status }) => status === 'fulfilled')).toBe(true)
  expect(await appliedMigration(database.db)).toBe(newestMigration)
})

test('every table says whose its rows are, but for links between such tables and what the installation shares', async () => {
  const { rows } = (await database.db.raw(`
    select table_name as name from information_schema.tables t where table_schema = 'public' and not exists
      (select 1 from information_schema.columns c where c.table_name = t.table_name and c.column_name = 'org_id')`)) as {
    rows: { name: string }[]
  }
  const shared = [
    'accounts',
    'checkpoint_refs',
    'host_credentials',
    'host_links',
    'hosts',
    'installation',
    'knex_migrations',
    'knex_migrations_lock',
    'organisations',
    'passkeys',
    'project_repositories',
    'repository_refs',
    'sign_in_attempts',
    'sign_in_links',
    'spec_anchors',
    'task_assignees',
    'task_labels',
    'two_factors',
    'users',
    'verifications',
  ]
  expect(rows.map(({ name }) => name).toSorted()).toEqual(shared)
})
