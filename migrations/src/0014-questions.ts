import type { Knex } from 'knex'

/** What an agent asks with a form, and what a person filled in; null for a mere choice. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw('alter table permission_requests add column fields jsonb, add column answer jsonb')
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table permission_requests drop column fields, drop column answer')
}
