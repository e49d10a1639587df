import { HelixError } from '@helix/contract/errors'
import type { BudgetId, OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Refused } from './holds.ts'
import { noteRefusal } from './stops/store.ts'
import type { Period } from './store.ts'
import { exhaustedWords } from './words.ts'

interface Named {
  period: Period
  project_id: string | null
  task_id: string | null
  session_id: string | null
  project: string | null
  number: number | null
}

async function namedBudget(db: Knex, orgId: OrgId, id: BudgetId): Promise<Named | undefined> {
  return db('budgets as b')
    .leftJoin('projects as p', 'p.id', 'b.project_id')
    .leftJoin('spec_tasks as t', 't.id', 'b.task_id')
    .where({ 'b.id': id, 'b.org_id': orgId })
    .first('b.period', 'b.project_id', 'b.task_id', 'b.session_id', 'p.name as project', 't.number')
}

/** What a budget is about, who may raise it and on which page, for people. */
export function placeOf(named: Named): { about: string; raise: string; path: string } {
  const members = 'Who may change tasks of the project'
  if (named.session_id !== null)
    return { about: `this session of ${named.project}`, raise: members, path: `/sessions/${named.session_id}?tab=budget` }
  if (named.task_id !== null)
    return { about: `task #${named.number} of ${named.project}`, raise: members, path: `/tasks/${named.task_id}?tab=budget` }
  if (named.project_id !== null)
    return {
      about: `the project ${named.project}`,
      raise: 'An administrator of the project',
      path: `/projects/${named.project_id}/settings/budgets`,
    }
  return { about: 'the organisation', raise: 'An administrator of the organisation', path: '/settings/budgets' }
}

/** Keeps that a session was stopped, so that it can go on later, and says to the caller which budget it was and who may raise it. */
export function refuser(db: Knex, baseUrl: string): (refused: Refused) => Promise<HelixError> {
  return async ({ scope, standing, needs, held }) => {
    const named = await namedBudget(db, scope.orgId, standing.budgetId)
    if (named === undefined) return new HelixError('budget_exhausted')
    const { about, raise, path } = placeOf(named)
    const { unit, limit, spent, budgetId } = standing
    const { period } = named
    const said = (url: string | null): string => exhaustedWords({ about, raise, url, unit, period, limit, spent, needs, held })
    const { orgId, sessionId } = scope
    if (sessionId !== null) await noteRefusal(db, { orgId, sessionId, budgetId, needs, message: said(null) })
    return new HelixError('budget_exhausted', said(`${baseUrl}${path}`), {
      budgetId,
      period,
      unit,
      limit,
      spent,
      needs,
      held,
      url: `${baseUrl}${path}`,
    })
  }
}
