import type { Knex } from 'knex'

/** MCP servers of projects, and what agents called there. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create table mcp_servers (
      id text primary key,
      org_id text not null references organisations on delete cascade,
      project_id text not null references projects on delete cascade,
      name text not null,
      url text not null,
      -- name, prefix, and the name of the secret: no value stands here
      headers jsonb not null default '[]',
      -- null: all that are not denied
      allowed_tools jsonb,
      denied_tools jsonb not null default '[]',
      time_limit_seconds int not null,
      max_request_mb int not null,
      max_answer_mb int not null,
      enabled boolean not null default true,
      changed_by text references users on delete set null,
      changed_at timestamptz not null default now(),
      created_at timestamptz not null default now(),
      unique (project_id, name)
    );
    create table mcp_calls (
      id text primary key,
      org_id text not null references organisations on delete cascade,
      project_id text not null references projects on delete cascade,
      task_id text,
      session_id text not null,
      user_id text,
      -- as it was called then
      server text not null,
      method text not null,
      tool text,
      outcome text not null,
      status int not null,
      request_bytes int not null,
      answer_bytes bigint not null,
      duration_ms int not null,
      created_at timestamptz not null
    );
    create index mcp_calls_project on mcp_calls (project_id, id desc);
    create index mcp_calls_task on mcp_calls (task_id, id desc) where task_id is not null;
    create index mcp_calls_session on mcp_calls (session_id, id desc);
    create index mcp_calls_age on mcp_calls (created_at);
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('drop table mcp_calls; drop table mcp_servers;')
}
