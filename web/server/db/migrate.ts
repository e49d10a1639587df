import { migrations } from '@helix/migrations'
import type { Knex } from 'knex'

const options = { migrationSource: migrations }

/** Brings the schema to the newest migration. knex keeps replicas apart by its lock row. */
export async function migrateUp(db: Knex): Promise<void> {
  await db.migrate.latest(options)
}

export async function migrateDown(db: Knex): Promise<void> {
  await db.migrate.rollback(options, true)
}

/** The name of the newest migration that the database has, or null. */
export async function appliedMigration(db: Knex): Promise<string | null> {
  const row = (await db('knex_migrations').select('name').orderBy('name', 'desc').first()) as { name: string } | undefined
  return row?.name ?? null
}
