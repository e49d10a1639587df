import type { Knex } from 'knex'

/** Which replica holds the link of a host; sessions without a task; what people show of their sessions. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create table host_links (
      host_id text primary key references hosts on delete cascade,
      -- of the host's connection: a newer one takes the place of an older
      epoch int not null,
      -- where other replicas reach the holder
      address text not null,
      lease_until timestamptz not null
    );
    alter table agent_sessions
      add column title text,
      -- when a person last used the machine: what is used is not idle
      add column used_at timestamptz;
    create index agent_sessions_project on agent_sessions (project_id, id);
    create table preview_tickets (
      secret_hash text primary key,
      org_id text not null references organisations on delete cascade,
      session_id text not null references agent_sessions on delete cascade,
      port int not null,
      user_id text not null references users on delete cascade,
      expires_at timestamptz not null
    );
    create table preview_shares (
      session_id text not null references agent_sessions on delete cascade,
      port int not null,
      org_id text not null,
      shared_by text not null references users,
      created_at timestamptz not null default now(),
      primary key (session_id, port)
    );
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    drop table preview_shares;
    drop table preview_tickets;
    drop index agent_sessions_project;
    alter table agent_sessions drop column title, drop column used_at;
    drop table host_links;
  `)
}
