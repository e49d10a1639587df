import type { Knex } from 'knex'

/** Emptying the audit log is refused like deleting from it: triggers for each row do not see it. */
export const up = async (db: Knex): Promise<void> => {
  await db.raw(`
    create trigger audit_log_not_truncated before truncate on audit_log
      for each statement execute function audit_log_is_append_only()
  `)
}

export const down = async (db: Knex): Promise<void> => {
  await db.raw('drop trigger audit_log_not_truncated on audit_log')
}
