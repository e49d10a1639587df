import type { Knex } from 'knex'

/** People, their organisations, and what they sign in with. */
const sql = `
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

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['api_keys', 'browser_sessions', 'sign_in_links', 'memberships', 'organisations', 'users'])
    await db.raw(`drop table ${table}`)
}
