import type { Knex } from 'knex'

/** What sessions of a project may reach, and how well their host must isolate them. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table projects
      add column egress_mode text not null default 'open',
      add column egress_domains jsonb not null default '[]',
      add column minimum_rung text
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table projects drop column egress_mode, drop column egress_domains, drop column minimum_rung')
}
