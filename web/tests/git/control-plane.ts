import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openDatabase } from '../../server/db/database.ts'
import { migrateUp } from '../../server/db/migrate.ts'
import type { PushListener } from '../../server/git/push-log.ts'
import { openTestServer } from '../../server/git/testing-server.ts'

/**
 * A control plane of git in its own process, to be killed. `node control-plane.ts <folder> [pause]`: with `pause` it stops for ever between
 * the move of a ref and the commit of its event. Prints one line of JSON when it listens.
 */
const [, , path = '', mode = ''] = process.argv
const forEver: PushListener = async () => {
  process.stdout.write('paused\n')
  await new Promise(() => undefined)
}
const keep = { path, [Symbol.asyncDispose]: async () => undefined }
await mkdir(path, { recursive: true })
const database = await openDatabase(undefined, join(path, 'db'))
await migrateUp(database.db)
const server = await openTestServer({ listeners: mode === 'pause' ? [forEver] : [], database, folder: keep })
await server.context.pushes.reconcileAll()
const seedFile = join(path, 'seed.json')
if (!existsSync(seedFile)) {
  const person = await server.person()
  const repositoryId = await server.repository(person, 'lib')
  writeFileSync(seedFile, JSON.stringify({ person, repositoryId }))
}
process.stdout.write(`${JSON.stringify({ ...JSON.parse(readFileSync(seedFile, 'utf8')), url: server.url })}\n`)
