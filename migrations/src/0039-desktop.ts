import type { Knex } from 'knex'

/** The screen that sessions of a project get; null: the usual one. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw('alter table projects add column desktop jsonb')
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table projects drop column desktop')
}
