import type { Knex } from 'knex'

/** What a host said it speaks when it last connected; null: it has not said. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw('alter table hosts add column protocol int')
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table hosts drop column protocol')
}
