import type { Knex } from 'knex'

/** What every call of the gateway was and cost; tokens that change tell so, since processes know them from memory. */
const sql = `
  alter table usage
    alter column dialect drop not null,
    add column project_id text,
    add column prompt_id text,
    add column step int,
    add column key_prefix text,
    add column provider_id text,
    add column operation text not null default 'converse',
    add column asked_model text,
    add column cached_tokens int,
    add column cache_write_tokens int,
    add column reasoning_tokens int,
    add column micro_usd bigint not null default 0,
    add column estimated boolean not null default false,
    add column streamed boolean not null default false,
    add column first_byte_ms int,
    add column attempts int not null default 1,
    add column request_id text;
  update usage set asked_model = model;
  alter table usage alter column asked_model set not null;
  create unique index usage_request on usage (request_id);
  create index usage_project on usage (project_id, created_at desc) where project_id is not null;
  create index usage_task on usage (task_id, created_at desc) where task_id is not null;
  create index usage_session on usage (session_id, created_at desc) where session_id is not null;
  create index usage_recent on usage (created_at);

  create function tokens_changed() returns trigger language plpgsql as $$
  declare
    what text;
  begin
    what := case tg_table_name
      when 'session_tokens' then (to_jsonb(old) ->> 'session_id')
      when 'agent_sessions' then (to_jsonb(old) ->> 'id')
      when 'api_keys' then (to_jsonb(old) ->> 'secret_hash')
      else (to_jsonb(old) ->> 'org_id')
    end;
    perform pg_notify('helix_tokens', what);
    return null;
  end $$;
  create trigger session_tokens_changed after update or delete on session_tokens for each row execute function tokens_changed();
  create trigger api_keys_changed after update of revoked_at, expires_at, secret_hash or delete on api_keys
    for each row execute function tokens_changed();
  create trigger memberships_changed after update or delete on memberships for each row execute function tokens_changed();
  create trigger agent_sessions_stopped after update of state on agent_sessions
    for each row when (new.state = 'stopped' and old.state <> 'stopped') execute function tokens_changed();
`

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    drop trigger agent_sessions_stopped on agent_sessions;
    drop trigger memberships_changed on memberships;
    drop trigger api_keys_changed on api_keys;
    drop trigger session_tokens_changed on session_tokens;
    drop function tokens_changed;
    drop index usage_recent, usage_session, usage_task, usage_project, usage_request;
    alter table usage drop column project_id, drop column prompt_id, drop column step, drop column key_prefix, drop column provider_id,
      drop column operation, drop column asked_model, drop column cached_tokens, drop column cache_write_tokens, drop column reasoning_tokens,
      drop column micro_usd, drop column estimated, drop column streamed, drop column first_byte_ms, drop column attempts,
      drop column request_id;
    update usage set dialect = '' where dialect is null;
    alter table usage alter column dialect set not null;
  `)
}
