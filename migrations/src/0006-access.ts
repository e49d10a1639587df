import type { Knex } from 'knex'

/** Teams, invitations, access to projects, the audit log, and mail that waits to be sent. */
const sql = `
  create table teams (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    name text not null,
    created_at timestamptz not null default now()
  );
  create unique index teams_name on teams (org_id, lower(name));
  create table team_members (
    team_id text not null references teams on delete cascade,
    org_id text not null,
    user_id text not null references users on delete cascade,
    created_at timestamptz not null default now(),
    primary key (team_id, user_id),
    foreign key (org_id, user_id) references memberships on delete cascade
  );
  create index team_members_person on team_members (org_id, user_id);
  create table invitations (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    email text not null,
    role text not null,
    team_ids jsonb not null,
    token_hash text not null unique,
    invited_by text not null references users,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    accepted_at timestamptz,
    accepted_by text references users,
    revoked_at timestamptz
  );
  -- One open invitation for each address.
  create unique index invitations_open on invitations (org_id, lower(email)) where accepted_at is null and revoked_at is null;
  -- 'organisation': everybody of the organisation, with their role there. 'private': owners, admins and who has a grant.
  alter table projects add column visibility text not null default 'organisation';
  -- A grant to a person or to a team; exactly one of the two.
  create table project_access (
    project_id text not null references projects on delete cascade,
    org_id text not null references organisations on delete cascade,
    user_id text references users on delete cascade,
    team_id text references teams on delete cascade,
    role text not null,
    created_at timestamptz not null default now(),
    check ((user_id is null) <> (team_id is null)),
    foreign key (org_id, user_id) references memberships on delete cascade
  );
  create unique index project_access_person on project_access (project_id, user_id) where user_id is not null;
  create unique index project_access_team on project_access (project_id, team_id) where team_id is not null;
  create index project_access_of on project_access (org_id, user_id);
  create table audit_log (
    id text primary key,
    org_id text,
    at timestamptz not null default now(),
    actor_id text,
    actor_name text not null,
    -- cookie, api_key, system, or none for a stranger who tried to sign in
    via text not null,
    action text not null,
    target_kind text,
    target_id text,
    -- what the target was called then
    target_name text,
    project_id text,
    details jsonb not null,
    request_id text,
    address text,
    user_agent text
  );
  create index audit_log_org on audit_log (org_id, id desc);
  create function audit_log_is_append_only() returns trigger language plpgsql as $$
    begin raise exception 'the audit log is append-only'; end $$;
  create trigger audit_log_append_only before update or delete on audit_log
    for each row execute function audit_log_is_append_only();
  create table mail_outbox (
    id text primary key,
    org_id text,
    key text unique,
    recipient text not null,
    subject text not null,
    body text not null,
    state text not null default 'waiting',
    attempts int not null default 0,
    last_error text,
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    sent_at timestamptz
  );
  create index mail_outbox_due on mail_outbox (due_at) where state = 'waiting';
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['mail_outbox', 'audit_log', 'project_access']) await db.raw(`drop table ${table}`)
  await db.raw('drop function audit_log_is_append_only')
  await db.raw('alter table projects drop column visibility')
  for (const table of ['invitations', 'team_members', 'teams']) await db.raw(`drop table ${table}`)
}
