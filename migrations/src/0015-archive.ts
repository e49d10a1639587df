import type { Knex } from 'knex'

/** Where an archived task stood on the board, so that archiving can be undone exactly; null for what is not archived. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw('alter table spec_tasks add column archived_from jsonb')
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table spec_tasks drop column archived_from')
}
