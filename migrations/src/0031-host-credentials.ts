import type { Knex } from 'knex'

/** Each host has a credential of its own. A host without a row still speaks with the shared runner token. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create table host_credentials (
      secret_hash text primary key,
      host_id text not null references hosts on delete cascade,
      created_at timestamptz not null default now(),
      -- set by the rotation that replaced it
      expires_at timestamptz,
      revoked_at timestamptz
    );
    create index host_credentials_host on host_credentials (host_id);
    alter table hosts
      -- an administrator lets it enrol again, until then
      add column enrol_until timestamptz,
      -- an administrator wants its credential replaced
      add column rotation_asked_at timestamptz;
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table hosts drop column enrol_until, drop column rotation_asked_at;
    drop table host_credentials;
  `)
}
