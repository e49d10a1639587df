import knex, { type Knex } from 'knex'

export interface OwnDatabase {
  name: string
  url: string
  drop(): Promise<void>
}

/** A new database of the server at `url`, which names the database `postgres`; a copy of `template` where there is one. For tests. */
export async function createDatabase(url: string, name: string, template?: string): Promise<OwnDatabase> {
  const run = async (sql: string): Promise<void> => {
    const admin: Knex = knex({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
    await admin.raw(sql)
    await admin.destroy()
  }
  await run(`create database ${name}${template === undefined ? '' : ` template ${template}`}`)
  const own = url.replace(/\/postgres(\?|$)/, `/${name}$1`)
  return { name, url: own, drop: () => run(`drop database ${name} with (force)`) }
}
