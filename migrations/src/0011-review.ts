import type { Knex } from 'knex'

/** Spec review: rules of projects, approvals of several people, threads with the agent, places of comments, suggestions, reminders and links. */
const sql = `
  alter table projects
    add column approvals_needed int not null default 1,
    -- whether who made a task may approve it
    add column self_approval boolean not null default true,
    add column require_resolved boolean not null default false,
    -- 0: nobody is reminded
    add column review_reminder_hours int not null default 24,
    add column public_links boolean not null default false,
    add column default_reviewers jsonb not null default '[]';
  -- null: the project's
  alter table spec_tasks add column reviewer_ids jsonb;
  alter table spec_comments
    -- of a reply: the comment that began the thread
    add column parent_id text references spec_comments on delete cascade,
    -- of the agent's reply: the prompt whose turn it ended
    add column prompt_id text unique,
    add column resolved_by text,
    -- what the quoted text could be instead
    add column suggestion text,
    add column applied_commit text;
  create index spec_comments_thread on spec_comments (parent_id) where parent_id is not null;
  -- where a comment's text stands in another revision; revisions never change, and so neither does this
  create table spec_anchors (
    comment_id text not null references spec_comments on delete cascade,
    revision_id text not null references spec_revisions on delete cascade,
    state text not null,
    start_at int,
    end_at int,
    primary key (comment_id, revision_id)
  );
  create table spec_questions (
    prompt_id text primary key references prompts on delete cascade,
    org_id text not null,
    task_id text not null references spec_tasks on delete cascade,
    -- the thread's first comment
    comment_id text not null references spec_comments on delete cascade,
    -- what was asked: that comment or a reply to it
    asked_id text not null references spec_comments on delete cascade,
    session_id text not null,
    -- waiting, answered, failed
    state text not null default 'waiting',
    problem text,
    created_at timestamptz not null default now()
  );
  create index spec_questions_task on spec_questions (task_id, created_at);
  create index spec_questions_waiting on spec_questions (session_id) where state = 'waiting';
  alter table spec_reviews
    drop constraint spec_reviews_task_id_step_key,
    add column voided_at timestamptz,
    add column void_reason text;
  -- a person's approval of one commit counts once
  create unique index spec_reviews_approval on spec_reviews (task_id, commit, user_id) where verdict = 'approved' and voided_at is null;
  create unique index spec_reviews_step on spec_reviews (task_id, step) where verdict <> 'approved';
  create table review_reminders (
    task_id text not null references spec_tasks on delete cascade,
    step int not null,
    count int not null,
    org_id text not null,
    at timestamptz not null default now(),
    primary key (task_id, step, count)
  );
  create table spec_links (
    id text primary key,
    org_id text not null,
    task_id text not null references spec_tasks on delete cascade,
    token_hash text not null unique,
    created_by text not null references users,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
  );
  create index spec_links_task on spec_links (task_id);
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    drop table spec_links;
    drop table review_reminders;
    drop table spec_questions;
    drop table spec_anchors;
    drop index spec_reviews_step;
    drop index spec_reviews_approval;
    alter table spec_reviews drop column voided_at, drop column void_reason, add unique (task_id, step);
    alter table spec_comments
      drop column parent_id, drop column prompt_id, drop column resolved_by, drop column suggestion, drop column applied_commit;
    alter table spec_tasks drop column reviewer_ids;
    alter table projects
      drop column approvals_needed, drop column self_approval, drop column require_resolved, drop column review_reminder_hours,
      drop column public_links, drop column default_reviewers;
  `)
}
