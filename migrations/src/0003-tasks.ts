import type { Knex } from 'knex'

/** Spec tasks: their steps, revisions, comments and reviews. */
const sql = `
  create table spec_tasks (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    number int not null,
    -- the slug after the number: folder and branch are made of it
    slug text not null,
    title text not null,
    prompt text not null,
    status text not null,
    failed_from text,
    failure jsonb,
    -- counts status writes; a write lands only on step - 1
    step int not null default 0,
    step_key text,
    activity text not null,
    agent_runtime text not null,
    demo boolean not null,
    just_do_it boolean not null,
    base_branch text not null,
    branch text not null,
    session_id text,
    slot_phase text,
    queued_at timestamptz,
    progress_done int,
    progress_total int,
    merged_commit text,
    created_by text not null references users,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (project_id, number)
  );
  create index spec_tasks_board on spec_tasks (org_id, project_id, status, updated_at desc);
  create index spec_tasks_slot on spec_tasks (project_id, slot_phase) where slot_phase is not null;
  create table task_steps (
    task_id text not null references spec_tasks on delete cascade,
    step int not null,
    org_id text not null,
    status text not null,
    cause text not null,
    reason text,
    actor_id text,
    at timestamptz not null default now(),
    primary key (task_id, step)
  );
  create table spec_revisions (
    id text primary key,
    org_id text not null,
    task_id text not null references spec_tasks on delete cascade,
    number int not null,
    commit text not null,
    push_id text not null,
    created_at timestamptz not null default now(),
    unique (task_id, number),
    unique (task_id, commit)
  );
  create table spec_comments (
    id text primary key,
    org_id text not null,
    task_id text not null references spec_tasks on delete cascade,
    revision_id text not null references spec_revisions on delete cascade,
    anchor jsonb,
    body text not null,
    author_kind text not null,
    author_name text not null,
    author_id text,
    resolved_at timestamptz,
    sent_at timestamptz,
    created_at timestamptz not null default now()
  );
  create index spec_comments_task on spec_comments (task_id, created_at);
  create table spec_reviews (
    id text primary key,
    org_id text not null,
    task_id text not null references spec_tasks on delete cascade,
    revision_id text not null references spec_revisions on delete cascade,
    commit text not null,
    verdict text not null,
    note text not null,
    user_id text not null,
    -- one review per workflow step
    step int not null,
    created_at timestamptz not null default now(),
    unique (task_id, step)
  );
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['spec_reviews', 'spec_comments', 'spec_revisions', 'task_steps', 'spec_tasks']) await db.raw(`drop table ${table}`)
}
