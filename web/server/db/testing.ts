import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Knex } from 'knex'
import { type Dialect, openDatabase } from './database.ts'
import { migrateUp } from './migrate.ts'

export interface TestDatabase extends AsyncDisposable {
  db: Knex
  dialect: Dialect
}

/** Migrated and empty: a database of its own on the PostgreSQL at `TEST_DATABASE_URL`, else PGlite. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const server = process.env.TEST_DATABASE_URL
  if (server === undefined || server === '') return openTestPglite()
  const name = `helix_test_${randomBytes(8).toString('hex')}`
  const admin = await openDatabase(server, '')
  await admin.db.raw(`create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  const own = await openDatabase(url.href, '')
  await migrateUp(own.db)
  return {
    db: own.db,
    dialect: own.dialect,
    async [Symbol.asyncDispose]() {
      await own[Symbol.asyncDispose]()
      await admin.db.raw(`drop database ${name} with (force)`)
      await admin[Symbol.asyncDispose]()
    },
  }
}

async function openTestPglite(): Promise<TestDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'helix-db-'))
  const own = await openDatabase(undefined, folder)
  await migrateUp(own.db)
  return {
    db: own.db,
    dialect: own.dialect,
    async [Symbol.asyncDispose]() {
      await own[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
