import type { Knex } from 'knex'

/**
 * A session may have a machine of its own; null: its project's. Whether people were told that a host is silent, so that they hear of it once, whichever process
 * finds it.
 */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table agent_sessions add column size text, add column custom_size jsonb, add column host_labels jsonb;
    alter table hosts add column told_silent boolean not null default false;
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table agent_sessions drop column size, drop column custom_size, drop column host_labels;
    alter table hosts drop column told_silent;
  `)
}
