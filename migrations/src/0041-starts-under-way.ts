import type { Knex } from 'knex'

/** Steps of a start that are under way, with the time since when; null: the start is over. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw('alter table session_starts add column running jsonb')
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('delete from session_starts where running is not null')
  await db.raw('alter table session_starts drop column running')
}
