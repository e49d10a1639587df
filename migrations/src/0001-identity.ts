import type { Knex } from 'knex'

/** People, their organisations, and what they sign in with. */
const sql = `
  create table users (
    id text primary key,
    email text not null,
    name text not null,
    email_verified boolean not null default false,
    image text,
    two_factor_enabled boolean not null default false,
    -- 'service': an account of a program, which cannot sign in
    kind text not null default 'person',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
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
    -- set: the person may do nothing here until it is taken back
    deactivated_at timestamptz,
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
  -- Browser sessions; the token is stored hashed.
  create table browser_sessions (
    id text primary key,
    token text not null unique,
    user_id text not null references users on delete cascade,
    -- the organisation it works in
    org_id text references organisations on delete cascade,
    ip_address text,
    user_agent text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    expires_at timestamptz not null
  );
  create index browser_sessions_user on browser_sessions (user_id);
  create table api_keys (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    user_id text not null references users on delete cascade,
    name text not null,
    prefix text not null,
    -- null: all that the role grants
    scopes jsonb,
    expires_at timestamptz,
    secret_hash text not null unique,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    revoked_at timestamptz
  );
  create index api_keys_owner on api_keys (org_id, user_id);
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['api_keys', 'browser_sessions', 'sign_in_links', 'memberships', 'organisations', 'users'])
    await db.raw(`drop table ${table}`)
}
