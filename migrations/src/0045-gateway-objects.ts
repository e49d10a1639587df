import type { Knex } from 'knex'

/** Whose the responses and files are that providers keep for us: organisations share keys, and a key sees them all. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create table gateway_objects (
      provider_id text not null,
      id text not null,
      org_id text not null references organisations on delete cascade,
      kind text not null,
      key_id text not null,
      -- as it was asked for
      model text not null,
      -- of the conversation so far: who goes on with it has them in the prompt
      tokens bigint not null default 0,
      created_at timestamptz not null default now(),
      primary key (org_id, id, provider_id)
    );
    create index gateway_objects_age on gateway_objects (created_at);
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('drop table gateway_objects')
}
