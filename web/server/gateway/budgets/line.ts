import type { BudgetId, OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Database } from '../../db/database.ts'

const channel = 'helix_budgets'

export interface Heard {
  /** Null: anything may have changed. */
  changed(orgId: OrgId | null): void
  demanded(budgetId: BudgetId): void
}

/** What processes tell each other at once; what is lost they find by themselves within a second. */
export function hearBudgets(hear: Database['hear'], heard: Heard, log: Logger): AsyncDisposable {
  const onPayload = (payload: string): void => {
    const [what, id] = payload.split(' ')
    if (what === 'changed') heard.changed(id as OrgId)
    if (what === 'demanded') heard.demanded(id as BudgetId)
  }
  return hear(channel, { onPayload, onListening: () => heard.changed(null) }, log)
}

export async function tellDemanded(db: Knex, budgetIds: readonly BudgetId[]): Promise<void> {
  for (const id of budgetIds) await db.raw(`select pg_notify('${channel}', 'demanded ' || ?)`, [id])
}

/** Part of the transaction that changes budgets or limits of the organisation: every process reads them again. */
export async function budgetsChanged(trx: Knex, orgId: OrgId): Promise<void> {
  await trx.raw(
    `with raised as (insert into budget_epochs (org_id, epoch) values (?, 1)
       on conflict (org_id) do update set epoch = budget_epochs.epoch + 1 returning org_id)
     select pg_notify('${channel}', 'changed ' || org_id) from raised`,
    [orgId],
  )
}
