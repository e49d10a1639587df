import type { Knex } from 'knex'

/** Who gets a place on which host: what administrators say of hosts, shares of organisations, the queue and its reservations. */
const sql = `
  alter table hosts
    add column version text,
    -- set by administrators, beside those that the host tells of itself
    add column labels jsonb not null default '{}',
    -- the organisation it is dedicated to
    add column group_org_id text references organisations on delete set null,
    add column weight int not null default 1,
    -- open, cordoned, draining
    add column admission text not null default 'open',
    -- sessions that were there when the drain began
    add column drain_total int;
  alter table organisations add column placement_weight int not null default 1;
  alter table projects add column host_labels jsonb not null default '{}';
  -- what the session was promised on its host; null: started before this was kept
  alter table agent_sessions add column memory_mb int;
  create index agent_sessions_held on agent_sessions (host_id, org_id) where state in ('starting', 'idle', 'running');
  create table session_places (
    session_id text primary key references agent_sessions on delete cascade,
    org_id text not null references organisations on delete cascade,
    asked_at timestamptz not null default clock_timestamp(),
    -- who does not ask again does not wait any more
    seen_at timestamptz not null default clock_timestamp(),
    decided_at timestamptz,
    position int,
    reason text,
    -- a reservation; it lapses
    host_id text references hosts on delete set null,
    memory_mb int,
    reserved_until timestamptz
  );
  create index session_places_host on session_places (host_id);
  -- its row is the lock under which places are given
  insert into installation (key, value) values ('placement', '{}') on conflict do nothing;
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    delete from installation where key = 'placement';
    drop table session_places;
    drop index agent_sessions_held;
    alter table agent_sessions drop column memory_mb;
    alter table projects drop column host_labels;
    alter table organisations drop column placement_weight;
    alter table hosts drop column version, drop column labels, drop column group_org_id, drop column weight, drop column admission,
      drop column drain_total;
  `)
}
