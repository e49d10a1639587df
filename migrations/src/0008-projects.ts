import type { Knex } from 'knex'

/** Settings of projects with their versions, archive and deletion with undo, and secrets of sessions. */
const sql = `
  alter table projects
    -- raised by every change of the settings
    add column version int not null default 1,
    add column changed_by text references users on delete set null,
    add column changed_at timestamptz,
    add column just_do_it boolean not null default false,
    add column base_branch text,
    add column protected_branches jsonb not null default '[]',
    add column start_up_script text not null default '',
    add column start_up_seconds int not null default 300,
    add column guidelines text not null default '',
    add column archived_at timestamptz,
    add column deleted_at timestamptz,
    add column deleted_by text references users on delete set null,
    -- ids of tasks that the deletion stopped: an undo brings them back
    add column stopped_tasks jsonb not null default '[]';
  create index projects_deleted on projects (deleted_at) where deleted_at is not null;
  create table secrets (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    -- null: for every project of the organisation
    project_id text references projects on delete cascade,
    name text not null,
    exposure text not null,
    -- sealed with the installation's key; the value itself is nowhere
    value text not null,
    changed_by text references users on delete set null,
    changed_at timestamptz not null default now()
  );
  create unique index secrets_name on secrets (org_id, coalesce(project_id, ''), name);
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    drop table secrets;
    drop index projects_deleted;
    alter table projects
      drop column version, drop column changed_by, drop column changed_at, drop column just_do_it, drop column base_branch,
      drop column protected_branches, drop column start_up_script, drop column start_up_seconds, drop column guidelines,
      drop column archived_at, drop column deleted_at, drop column deleted_by, drop column stopped_tasks;
  `)
}
