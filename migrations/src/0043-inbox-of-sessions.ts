import type { Knex } from 'knex'

/** An item is about a task, or about a session that no task has. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table inbox_items alter column task_id drop not null, add column session_id text references agent_sessions on delete cascade,
      add constraint inbox_items_about check ((task_id is null) <> (session_id is null));
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    delete from inbox_items where task_id is null;
    alter table inbox_items drop constraint inbox_items_about, drop column session_id, alter column task_id set not null;
  `)
}
