import type { Knex } from 'knex'

/** Sandbox hosts, sessions with their tokens, prompts and journals, and the inference they used. */
const sql = `
  create table hosts (
    id text primary key,
    name text not null,
    boot_id text,
    -- raised by each connection of the link; a newer one ends the older
    epoch int not null default 0,
    report jsonb,
    last_seen_at timestamptz,
    created_at timestamptz not null default now()
  );
  create table agent_sessions (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    task_id text references spec_tasks on delete cascade,
    state text not null,
    reason text,
    agent_runtime text not null,
    demo boolean not null,
    host_id text references hosts,
    host_boot_id text,
    epoch int not null default 0,
    started_by text not null references users,
    -- the highest sequence below which no journal entry is missing
    journal_upto int not null default 0,
    started_at timestamptz,
    created_at timestamptz not null default now(),
    unique (task_id)
  );
  create index agent_sessions_host on agent_sessions (host_id) where state <> 'stopped';
  create table session_starts (
    session_id text not null references agent_sessions on delete cascade,
    epoch int not null,
    org_id text not null,
    reason text not null,
    stages jsonb not null,
    at timestamptz not null default now(),
    primary key (session_id, epoch)
  );
  create table session_tokens (
    token_hash text primary key,
    org_id text not null references organisations on delete cascade,
    session_id text not null references agent_sessions on delete cascade,
    epoch int not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
  );
  create index session_tokens_session on session_tokens (session_id);
  create table prompts (
    id text primary key,
    org_id text not null,
    session_id text references agent_sessions on delete cascade,
    task_id text references spec_tasks on delete cascade,
    kind text not null,
    author_id text,
    text text not null,
    state text not null,
    outcome text,
    queued_at timestamptz not null default now(),
    started_at timestamptz,
    ended_at timestamptz
  );
  create index prompts_task on prompts (task_id, queued_at);
  create table session_entries (
    session_id text not null references agent_sessions on delete cascade,
    sequence int not null,
    org_id text not null,
    at timestamptz not null,
    payload jsonb not null,
    primary key (session_id, sequence)
  );
  create table usage (
    id bigserial primary key,
    org_id text not null references organisations on delete cascade,
    session_id text,
    task_id text,
    user_id text,
    provider text not null,
    model text not null,
    dialect text not null,
    input_tokens int,
    output_tokens int,
    status int not null,
    duration_ms int not null,
    created_at timestamptz not null default now()
  );
  create index usage_org on usage (org_id, created_at desc);
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['usage', 'session_entries', 'prompts', 'session_tokens', 'session_starts', 'agent_sessions', 'hosts'])
    await db.raw(`drop table ${table}`)
}
