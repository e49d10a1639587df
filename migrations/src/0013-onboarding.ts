import type { Knex } from 'knex'

/** Whether an organisation put its first steps away. */
const sql = 'alter table organisations add column onboarding_dismissed_at timestamptz'

export const up = async (db: Knex): Promise<void> => {
  await db.raw(sql)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('alter table organisations drop column onboarding_dismissed_at')
}
