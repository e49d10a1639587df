import type { Knex } from 'knex'

/** What is kept of sessions besides their volumes: commits under hidden refs. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create table checkpoints (
      session_id text not null references agent_sessions on delete cascade,
      n int not null,
      org_id text not null,
      kept jsonb not null,
      at timestamptz not null,
      primary key (session_id, n)
    );
    -- outlives the row above, so that refs of what is gone are found and removed
    create table checkpoint_refs (
      repository_id text not null references repositories on delete cascade,
      session_id text not null,
      n int not null,
      primary key (session_id, n, repository_id)
    );
    alter table agent_sessions
      -- where a fork came from; no reference: the fork outlives it
      add column forked_from text,
      add column forked_from_n int;
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table agent_sessions drop column forked_from, drop column forked_from_n;
    drop table checkpoint_refs;
    drop table checkpoints;
  `)
}
