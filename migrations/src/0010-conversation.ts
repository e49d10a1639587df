import type { Knex } from 'knex'

/** Talking with the agent: how messages are sent, what the agent asks people, and comments on its changes. */
const sql = `
  alter table projects add column permission_mode text not null default 'allow';
  alter table prompts
    -- queue, steer or interrupt
    add column mode text not null default 'queue',
    add column attachment_ids jsonb not null default '[]';
  create index prompts_session on prompts (session_id, state);
  -- what an agent asks; id is the supervisor's
  create table permission_requests (
    session_id text not null references agent_sessions on delete cascade,
    id text not null,
    org_id text not null,
    task_id text,
    epoch int not null,
    prompt_id text,
    title text not null,
    tool text not null,
    options jsonb not null,
    -- pending, answered, void
    state text not null default 'pending',
    option_id text,
    answered_by text,
    answered_by_name text,
    answered_at timestamptz,
    -- the agent has the answer, or it is over without one
    ended_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (session_id, id)
  );
  create index permission_requests_task on permission_requests (task_id, created_at);
  create index permission_requests_open on permission_requests (session_id) where ended_at is null;
  create table code_comments (
    id text primary key,
    org_id text not null,
    task_id text not null references spec_tasks on delete cascade,
    repository_id text not null,
    commit text not null,
    path text not null,
    side text not null,
    line int,
    quote text,
    body text not null,
    author_id text not null,
    author_name text not null,
    resolved_at timestamptz,
    sent_at timestamptz,
    created_at timestamptz not null default now()
  );
  create index code_comments_task on code_comments (task_id, created_at);
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    drop table code_comments;
    drop table permission_requests;
    drop index prompts_session;
    alter table prompts drop column mode, drop column attachment_ids;
    alter table projects drop column permission_mode;
  `)
}
