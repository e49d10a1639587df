import type { Knex } from 'knex'

/** Repositories, what was pushed to them, and the projects over them. */
const sql = `
  create table repositories (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    name text not null,
    default_branch text not null,
    imported_from text,
    -- 'creating' until the bare repository stands on disk
    state text not null,
    created_at timestamptz not null default now(),
    unique (org_id, name)
  );
  -- What the control plane has recorded of each ref; the push log moves it by compare-and-set.
  create table repository_refs (
    repository_id text not null references repositories on delete cascade,
    ref text not null,
    commit text not null,
    updated_at timestamptz not null default now(),
    primary key (repository_id, ref)
  );
  create table pushes (
    id text not null,
    ref text not null,
    org_id text not null references organisations on delete cascade,
    repository_id text not null references repositories on delete cascade,
    old_commit text,
    new_commit text,
    user_id text,
    session_id text,
    commits jsonb not null,
    created_at timestamptz not null default now(),
    primary key (id, ref)
  );
  create index pushes_repository on pushes (repository_id, created_at desc);
  create table projects (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    name text not null,
    description text not null,
    agent_runtime text not null,
    model text,
    planning_limit int not null,
    implementing_limit int not null,
    last_task_number int not null default 0,
    created_at timestamptz not null default now()
  );
  create index projects_org on projects (org_id, created_at desc);
  create table project_repositories (
    project_id text not null references projects on delete cascade,
    repository_id text not null references repositories on delete restrict,
    position int not null,
    primary key (project_id, repository_id)
  );
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['project_repositories', 'projects', 'pushes', 'repository_refs', 'repositories']) await db.raw(`drop table ${table}`)
}
