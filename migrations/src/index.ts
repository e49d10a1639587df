import type { Knex } from 'knex'
import * as foundation from './0001-foundation.ts'

/** Migrations by explicit list: a folder scan cannot load `.ts` under every runner and records file extensions. */
const list: [string, Knex.Migration][] = [['0001-foundation', foundation]]

export const migrations: Knex.MigrationSource<[string, Knex.Migration]> = {
  getMigrations: async () => list,
  getMigrationName: ([name]) => name,
  getMigration: async ([, migration]) => migration,
}

/** The newest migration: `/readyz` compares it with the database. */
export const newestMigration = list.at(-1)?.[0] ?? ''
