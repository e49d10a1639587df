import type { Knex } from 'knex'

/** Event log, outbox, idempotency keys, and what the installation knows of itself. */
const sql = `
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

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['installation', 'idempotency_keys', 'outbox', 'events']) await db.raw(`drop table ${table}`)
}
