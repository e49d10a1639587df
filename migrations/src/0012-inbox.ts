import type { Knex } from 'knex'

/** What needs a person, who was pinged about it and by which way, and what is sent out. */
const sql = `
  create table inbox_items (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    project_id text not null references projects on delete cascade,
    task_id text not null references spec_tasks on delete cascade,
    kind text not null,
    -- what it is about: one open item for each
    subject text not null,
    title text not null,
    detail text not null,
    -- of one person alone: who was mentioned
    user_id text references users on delete cascade,
    -- raised by each reminder; a ping is unique in its round
    round int not null default 0,
    -- null until the pings of the round are written
    announced_at timestamptz,
    created_at timestamptz not null default now(),
    done_at timestamptz,
    done_by text references users on delete set null,
    done_reason text
  );
  create unique index inbox_items_open on inbox_items (org_id, kind, subject) where done_at is null;
  create index inbox_items_list on inbox_items (org_id, created_at desc) where done_at is null;
  create index inbox_items_done on inbox_items (org_id, done_at desc) where done_at is not null;
  create index inbox_items_task on inbox_items (task_id) where done_at is null;
  create index inbox_items_unannounced on inbox_items (created_at) where announced_at is null and done_at is null;
  create table inbox_states (
    item_id text not null references inbox_items on delete cascade,
    user_id text not null references users on delete cascade,
    org_id text not null,
    read_at timestamptz,
    snoozed_until timestamptz,
    primary key (item_id, user_id)
  );
  create table notification_settings (
    org_id text not null references organisations on delete cascade,
    user_id text not null references users on delete cascade,
    choices jsonb not null,
    reach text not null,
    time_zone text not null,
    -- minutes of the person's day; null: no quiet hours
    quiet_from int,
    quiet_to int,
    muted_projects jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (org_id, user_id)
  );
  -- An organisation's, or with user_id one person's own.
  create table webhooks (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    user_id text references users on delete cascade,
    name text not null,
    url text not null,
    secret text not null,
    kinds jsonb not null,
    -- null: every project
    project_ids jsonb,
    enabled boolean not null default true,
    created_at timestamptz not null default now()
  );
  create unique index webhooks_own on webhooks (org_id, user_id) where user_id is not null;
  create table push_subscriptions (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    user_id text not null references users on delete cascade,
    endpoint text not null unique,
    p256dh text not null,
    auth text not null,
    device text not null,
    created_at timestamptz not null default now(),
    last_sent_at timestamptz
  );
  create index push_subscriptions_person on push_subscriptions (org_id, user_id);
  -- One ping for each person, item, channel and round.
  create table pings (
    id bigserial primary key,
    org_id text not null,
    item_id text not null references inbox_items on delete cascade,
    user_id text not null references users on delete cascade,
    channel text not null,
    round int not null,
    state text not null default 'waiting',
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    unique (item_id, user_id, channel, round)
  );
  create index pings_due on pings (due_at) where state = 'waiting';
  -- What goes out by HTTP: to a webhook, or to a browser's push service.
  create table deliveries (
    id text primary key,
    org_id text not null references organisations on delete cascade,
    webhook_id text references webhooks on delete cascade,
    subscription_id text references push_subscriptions on delete cascade,
    item_id text references inbox_items on delete cascade,
    -- written once, however often its cause is looked at
    key text not null unique,
    event text not null,
    payload jsonb not null,
    state text not null default 'waiting',
    attempts int not null default 0,
    last_status int,
    last_error text,
    due_at timestamptz not null default now(),
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    check ((webhook_id is null) <> (subscription_id is null))
  );
  create index deliveries_due on deliveries (due_at) where state = 'waiting';
  create index deliveries_webhook on deliveries (webhook_id, created_at desc) where webhook_id is not null;
  create index deliveries_item on deliveries (item_id) where state = 'waiting';
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  const tables = ['deliveries', 'pings', 'push_subscriptions', 'webhooks', 'notification_settings', 'inbox_states', 'inbox_items']
  for (const table of tables) await db.raw(`drop table ${table}`)
}
