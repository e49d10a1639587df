import type { Knex } from 'knex'

/** How people prove who they are: passwords and accounts elsewhere, second factors, passkeys, connections to identity providers. */
const sql = `
  create table accounts (
    id text primary key,
    account_id text not null,
    provider_id text not null,
    user_id text not null references users on delete cascade,
    access_token text,
    refresh_token text,
    id_token text,
    access_token_expires_at timestamptz,
    refresh_token_expires_at timestamptz,
    scope text,
    password text,
    -- of identity providers: whose accounts these are
    issuer text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  create index accounts_user on accounts (user_id);
  create unique index accounts_provider on accounts (provider_id, account_id);
  create table verifications (
    id text primary key,
    identifier text not null,
    value text not null,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  create index verifications_identifier on verifications (identifier);
  create table two_factors (
    id text primary key,
    secret text not null,
    backup_codes text not null,
    user_id text not null references users on delete cascade,
    verified boolean not null default true,
    failed_verification_count int not null default 0,
    locked_until timestamptz
  );
  create index two_factors_user on two_factors (user_id);
  create table passkeys (
    id text primary key,
    name text,
    public_key text not null,
    user_id text not null references users on delete cascade,
    credential_id text not null unique,
    counter bigint not null,
    device_type text not null,
    backed_up boolean not null,
    transports text,
    aaguid text,
    created_at timestamptz default now()
  );
  create index passkeys_user on passkeys (user_id);
  create table connections (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    kind text not null,
    name text not null,
    issuer text not null,
    client_id text not null,
    client_secret text not null,
    allowed_domains jsonb not null,
    group_claim text not null,
    group_roles jsonb not null,
    -- null: only who is in a mapped group, or was invited, comes in
    default_role text,
    enabled boolean not null default true,
    version int not null default 1,
    created_at timestamptz not null default now()
  );
  -- Failed attempts by account and by address; each makes the next one wait longer.
  create table sign_in_attempts (
    key text primary key,
    failures int not null,
    blocked_until timestamptz not null default now(),
    last_at timestamptz not null default now()
  );
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['sign_in_attempts', 'connections', 'passkeys', 'two_factors', 'verifications', 'accounts'])
    await db.raw(`drop table ${table}`)
}
