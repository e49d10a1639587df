import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import type { Stack } from './stack.ts'

/** The embedded database of an installation, beside its control plane. */
export function openDatabase({ config }: Pick<Stack, 'config'>): Knex & AsyncDisposable {
  const host = join(config.dataDir, 'postgres-socket')
  const database = knex({ client: 'pg', connection: { connectionString: undefined, host, user: 'postgres', database: 'postgres' } })
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.destroy() })
}
