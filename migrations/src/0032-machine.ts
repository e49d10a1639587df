import type { Knex } from 'knex'

/** How large the machines of a project's sessions are, how long they idle and live; and since when a session lives. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table projects
      add column size text not null default 'medium',
      add column custom_size jsonb,
      add column image text,
      add column idle_minutes int not null default 10,
      add column ttl_hours int not null default 0;
    alter table agent_sessions
      -- the first start of this life; null while it has not started
      add column life_started_at timestamptz;
    update agent_sessions set life_started_at = created_at where state <> 'queued';
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table projects drop column size, drop column custom_size, drop column image, drop column idle_minutes, drop column ttl_hours;
    alter table agent_sessions drop column life_started_at;
  `)
}
