import type { Knex } from 'knex'

/** A browser has one subscription for all organisations of its person: each may send to it. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    alter table push_subscriptions drop constraint push_subscriptions_endpoint_key;
    create unique index push_subscriptions_browser on push_subscriptions (endpoint, org_id);
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw(`
    delete from push_subscriptions one using push_subscriptions other where one.endpoint = other.endpoint and one.id < other.id;
    drop index push_subscriptions_browser;
    alter table push_subscriptions add constraint push_subscriptions_endpoint_key unique (endpoint);
  `)
}
