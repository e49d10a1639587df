import type { Knex } from 'knex'

/** Who the registry of a project's image is asked as, and with which secret. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw('alter table projects add column image_login jsonb')
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table projects drop column image_login')
}
