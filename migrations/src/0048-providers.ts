import type { Knex } from 'knex'

/** Inference providers of organisations and people, what models cost there, other names of models, and what projects let through. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create table providers (
      id text primary key,
      org_id text not null references organisations on delete cascade,
      -- null: of the organisation
      user_id text references users on delete cascade,
      name text not null,
      kind text not null,
      base_url text not null,
      settings jsonb not null default '{}',
      region text,
      rank int not null,
      weight int not null,
      enabled boolean not null default true,
      -- null: whatever it is asked for
      allowed_models jsonb,
      -- what it lists itself, and what came of asking it
      listed_models jsonb not null default '[]',
      verdict jsonb,
      changed_by text references users on delete set null,
      changed_at timestamptz not null default now(),
      created_at timestamptz not null default now()
    );
    create unique index providers_name on providers (org_id, coalesce(user_id, ''), lower(name));
    create table provider_keys (
      id text primary key,
      org_id text not null,
      provider_id text not null references providers on delete cascade,
      label text not null,
      hint text not null,
      -- sealed
      secret text not null,
      weight int not null,
      enabled boolean not null default true,
      added_at timestamptz not null default now()
    );
    create index provider_keys_provider on provider_keys (provider_id);
    create table model_prices (
      org_id text not null references organisations on delete cascade,
      -- of the table or of the installation's configuration
      provider_id text not null,
      model text not null,
      price jsonb,
      max_output_tokens int,
      changed_by text references users on delete set null,
      changed_at timestamptz not null default now(),
      primary key (org_id, provider_id, model)
    );
    create table model_aliases (
      org_id text not null references organisations on delete cascade,
      alias text not null,
      models jsonb not null,
      primary key (org_id, alias)
    );
    create table model_rules (
      org_id text not null references organisations on delete cascade,
      -- null: of the organisation
      project_id text references projects on delete cascade,
      rules jsonb not null,
      -- sealed: a header may be a secret
      headers text not null,
      changed_by text references users on delete set null,
      changed_at timestamptz not null default now()
    );
    create unique index model_rules_place on model_rules (org_id, coalesce(project_id, ''));
  `)
}

export const down = async (db: Knex): Promise<void> => {
  for (const table of ['model_rules', 'model_aliases', 'model_prices', 'provider_keys', 'providers']) await db.raw(`drop table ${table}`)
}
