import type { Knex } from 'knex'

/** Recordings of desktops. The bytes of a segment lie in the data folder, see web/server/recordings/disk.ts. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table projects add column recording jsonb;
    alter table attachments add column caption text;
    create table recordings (
      session_id text primary key references agent_sessions on delete cascade,
      org_id text not null,
      state text not null,
      reason text,
      -- parts that hosts gave up
      lost int not null default 0,
      -- when parts were removed last
      removed_at timestamptz,
      updated_at timestamptz not null default now()
    );
    -- hosts that were told to record a start: from others nothing is taken
    create table recording_sources (
      session_id text not null references agent_sessions on delete cascade,
      epoch int not null,
      host_id text not null,
      org_id text not null,
      primary key (session_id, epoch, host_id)
    );
    create table recording_segments (
      id bigserial primary key,
      session_id text not null references agent_sessions on delete cascade,
      org_id text not null,
      epoch int not null,
      -- unix microseconds; names the segment within its start
      started_us bigint not null,
      duration_us bigint not null,
      moving_us bigint not null,
      stills jsonb not null,
      width int not null,
      height int not null,
      bytes int not null,
      init_bytes int not null,
      pictures int not null,
      sha256 text not null,
      created_at timestamptz not null default now(),
      unique (session_id, epoch, started_us)
    );
    create index recording_segments_time on recording_segments (session_id, started_us);
    create index recording_segments_age on recording_segments (created_at);
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    drop table recording_segments;
    drop table recording_sources;
    drop table recordings;
    alter table attachments drop column caption;
    alter table projects drop column recording;
  `)
}
