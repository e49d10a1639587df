import type { Knex } from 'knex'

/** Ids are TypeIDs in text columns. Every row of a tenant carries `org_id`. Times are timestamptz. */
const up = async (db: Knex): Promise<void> => {
  await db.raw(identity)
  await db.raw(gitData)
  await db.raw(work)
  await db.raw(conversation)
  await db.raw(plumbing)
}

const identity = `
  create table users (
    id text primary key,
    email text not null,
    name text not null,
    password_hash text,
    created_at timestamptz not null default now()
  );
  create unique index users_email on users (lower(email));
  create table organisations (
    id text primary key,
    slug text not null unique,
    name text not null,
    created_at timestamptz not null default now()
  );
  create table memberships (
    org_id text not null references organisations on delete cascade,
    user_id text not null references users on delete cascade,
    role text not null,
    created_at timestamptz not null default now(),
    primary key (org_id, user_id)
  );
  create index memberships_user on memberships (user_id);
  create table sign_in_links (
    token_hash text primary key,
    user_id text not null references users on delete cascade,
    expires_at timestamptz not null,
    used_at timestamptz
  );
  create table browser_sessions (
    token_hash text primary key,
    user_id text not null references users on delete cascade,
    org_id text not null references organisations on delete cascade,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
  );
  create index browser_sessions_user on browser_sessions (user_id);
  create table api_keys (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    user_id text not null references users on delete cascade,
    name text not null,
    prefix text not null,
    secret_hash text not null unique,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
  );
  create index api_keys_owner on api_keys (org_id, user_id);
`

const gitData = `
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

const work = `
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

const conversation = `
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

const plumbing = `
  create table events (
    id bigserial primary key,
    org_id text not null references organisations on delete cascade,
    type text not null,
    payload jsonb not null,
    created_at timestamptz not null default now()
  );
  create index events_org on events (org_id, id);
  create table outbox (
    id bigserial primary key,
    org_id text not null,
    kind text not null,
    payload jsonb not null,
    attempts int not null default 0,
    last_error text,
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now()
  );
  create index outbox_due on outbox (due_at);
  -- Answers of requests with an Idempotency-Key and of activities with an effect key.
  create table idempotency_keys (
    org_id text not null,
    scope text not null,
    key text not null,
    request_hash text not null,
    answer jsonb,
    created_at timestamptz not null default now(),
    primary key (org_id, scope, key)
  );
  create table installation (
    key text primary key,
    value jsonb not null,
    created_at timestamptz not null default now()
  );
`

const down = async (db: Knex): Promise<void> => {
  const tables = [
    'installation',
    'idempotency_keys',
    'outbox',
    'events',
    'usage',
    'session_entries',
    'prompts',
    'session_tokens',
    'session_starts',
    'agent_sessions',
    'hosts',
    'spec_reviews',
    'spec_comments',
    'spec_revisions',
    'task_steps',
    'spec_tasks',
    'project_repositories',
    'projects',
    'pushes',
    'repository_refs',
    'repositories',
    'api_keys',
    'browser_sessions',
    'sign_in_links',
    'memberships',
    'organisations',
    'users',
  ]
  for (const table of tables) await db.raw(`drop table ${table}`)
}

export { down, up }
