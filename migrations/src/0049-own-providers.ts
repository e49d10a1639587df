import type { Knex } from 'knex'

/** Own keys of a person go with their membership. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table providers add constraint providers_member foreign key (org_id, user_id) references memberships (org_id, user_id) on delete cascade;
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table providers drop constraint providers_member')
}
