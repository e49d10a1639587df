import type { Knex } from 'knex'

/** Budgets, the ledger of what was spent of them, the leases of processes, and limits of rate. ADR 33. */
const sql = `
  create table budgets (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    -- the narrowest that is set is what it is about, with all that are above; none: the organisation
    project_id text references projects on delete cascade,
    task_id text references spec_tasks on delete cascade,
    session_id text references agent_sessions on delete cascade,
    period text not null check (period in ('day', 'month', 'total')),
    unit text not null check (unit in ('money', 'tokens')),
    -- micro-dollars or tokens
    limit_amount bigint not null check (limit_amount >= 0),
    version int not null default 1,
    created_by text references users on delete set null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  create unique index budgets_one on budgets
    (org_id, coalesce(project_id, ''), coalesce(task_id, ''), coalesce(session_id, ''), period, unit);
  create index budgets_project on budgets (project_id) where project_id is not null;
  create index budgets_task on budgets (task_id) where task_id is not null;
  create index budgets_session on budgets (session_id) where session_id is not null;
  -- spent + the sum of granted of its leases never passes the limit. Its row is the lock under which leases are given and ended.
  create table budget_periods (
    budget_id text not null references budgets on delete cascade,
    -- the period's first day (UTC); of budgets without periods 1970-01-01
    starts_on date not null,
    org_id text not null,
    -- by leases that have ended
    spent bigint not null default 0,
    -- some process lacked what others may hold idle
    demanded_at timestamptz,
    -- the highest threshold that was told, in percent
    notified smallint not null default 0,
    primary key (budget_id, starts_on)
  );
  create table budget_leases (
    budget_id text not null,
    starts_on date not null,
    -- a process
    holder text not null,
    org_id text not null,
    -- the most that the holder uses and holds open; what the lease is charged when it lapses
    granted bigint not null,
    -- as the holder told last
    used bigint not null,
    open bigint not null,
    expires_at timestamptz not null,
    primary key (budget_id, starts_on, holder),
    foreign key (budget_id, starts_on) references budget_periods on delete cascade
  );
  create index budget_leases_expiry on budget_leases (expires_at);
  -- raised by each change of an organisation's budgets and limits, so that processes know when to read them again
  create table budget_epochs (org_id text primary key references organisations on delete cascade, epoch bigint not null);
  -- A session's call was refused.
  create table budget_stops (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    task_id text references spec_tasks on delete cascade,
    session_id text not null references agent_sessions on delete cascade,
    budget_id text references budgets on delete set null,
    -- what the refused call could have cost, in the budget's unit
    needs bigint not null,
    message text not null,
    stopped_at timestamptz not null default now(),
    -- the turn ended because of it
    paused_at timestamptz,
    prompt_id text,
    -- it goes on, or is not waited for any more
    ended_at timestamptz,
    end_reason text
  );
  create unique index budget_stops_open on budget_stops (session_id) where ended_at is null;
  create index budget_stops_task on budget_stops (task_id, stopped_at) where task_id is not null;
  create index budget_stops_waiting on budget_stops (org_id) where ended_at is null;
  -- What was spent by then, for plots: one for each stretch of time.
  create table budget_points (
    budget_id text not null references budgets on delete cascade,
    starts_on date not null,
    stretch timestamptz not null,
    org_id text not null,
    at timestamptz not null,
    spent bigint not null,
    primary key (budget_id, starts_on, stretch)
  );
  create table rate_limits (
    org_id text not null references organisations on delete cascade,
    -- of all calls of the organisation, of each API key, of each session
    scope text not null check (scope in ('organisation', 'key', 'session')),
    -- null: as many as one likes
    requests_per_minute int check (requests_per_minute > 0),
    tokens_per_minute bigint check (tokens_per_minute > 0),
    primary key (org_id, scope)
  );
  -- What is in a bucket, in the database's time. A bucket that is full again is worth nothing and is removed.
  create table rate_buckets (
    org_id text not null references organisations on delete cascade,
    name text not null,
    level double precision not null,
    filled_at timestamptz not null,
    primary key (org_id, name)
  );
  -- An item may be about a budget of a project or of the organisation, and say who may raise it.
  alter table inbox_items alter column project_id drop not null, add column permission text, drop constraint inbox_items_about,
    add constraint inbox_items_about check (task_id is null or session_id is null);
`

const tables = [
  'rate_buckets',
  'rate_limits',
  'budget_points',
  'budget_stops',
  'budget_epochs',
  'budget_leases',
  'budget_periods',
  'budgets',
]

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    delete from inbox_items where project_id is null or (task_id is null and session_id is null);
    alter table inbox_items alter column project_id set not null, drop column permission, drop constraint inbox_items_about,
      add constraint inbox_items_about check ((task_id is null) <> (session_id is null));
  `)
  for (const table of tables) await db.raw(`drop table ${table}`)
}
