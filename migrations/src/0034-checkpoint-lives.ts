import type { Knex } from 'knex'

/** A session that was stopped, or whose time was over, begins anew: not with what an earlier life of it kept. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table agent_sessions
      -- the newest checkpoint of earlier lives
      add column kept_before int not null default 0;
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table agent_sessions drop column kept_before')
}
