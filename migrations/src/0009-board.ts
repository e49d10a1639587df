import type { Knex } from 'knex'

/** What orders and describes tasks on the board: priority, labels, assignees, dependencies, attachments, saved views, templates. */
const sql = `
  -- 0 urgent, 1 high, 2 normal, 3 low
  alter table spec_tasks add column priority smallint not null default 2;
  -- raised by each edit of a person
  alter table spec_tasks add column version int not null default 1;
  alter table spec_tasks add column edited_by text references users;
  alter table spec_tasks add column edited_at timestamptz;
  alter table projects add column auto_start boolean not null default false;
  create table labels (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    name text not null,
    colour text not null,
    created_at timestamptz not null default now()
  );
  create unique index labels_name on labels (project_id, lower(name));
  create table task_labels (
    task_id text not null references spec_tasks on delete cascade,
    label_id text not null references labels on delete cascade,
    primary key (task_id, label_id)
  );
  create table task_assignees (
    task_id text not null references spec_tasks on delete cascade,
    user_id text not null references users on delete cascade,
    primary key (task_id, user_id)
  );
  create table task_dependencies (
    task_id text not null references spec_tasks on delete cascade,
    depends_on text not null references spec_tasks on delete cascade,
    org_id text not null,
    primary key (task_id, depends_on),
    check (task_id <> depends_on)
  );
  create index task_dependencies_on on task_dependencies (depends_on);
  create table attachments (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    task_id text references spec_tasks on delete set null,
    name text not null,
    type text not null,
    size int not null,
    sha256 text not null,
    created_by text not null references users,
    created_at timestamptz not null default now()
  );
  create index attachments_task on attachments (task_id);
  create index attachments_loose on attachments (created_at) where task_id is null;
  create table board_views (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    user_id text not null references users on delete cascade,
    name text not null,
    query text not null,
    shared boolean not null,
    created_at timestamptz not null default now()
  );
  create index board_views_project on board_views (project_id);
  create table task_templates (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    name text not null,
    prompt text not null,
    just_do_it boolean not null,
    priority smallint not null,
    created_by text not null references users,
    created_at timestamptz not null default now()
  );
  create unique index task_templates_name on task_templates (project_id, lower(name));
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  const tables = ['task_templates', 'board_views', 'attachments', 'task_dependencies', 'task_assignees', 'task_labels', 'labels']
  for (const table of tables) await db.raw(`drop table ${table}`)
  await db.raw('alter table projects drop column auto_start')
  for (const column of ['edited_at', 'edited_by', 'version', 'priority']) await db.raw(`alter table spec_tasks drop column ${column}`)
}
