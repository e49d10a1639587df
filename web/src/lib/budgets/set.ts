import {
  type Budget,
  type BudgetScope,
  removeBudget,
  removeProjectBudget,
  removeSessionBudget,
  removeTaskBudget,
  setBudget,
  setProjectBudget,
  setSessionBudget,
  setTaskBudget,
} from '@helix/contract/budgets'
import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import type { ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import { call } from '#lib/api.ts'
import { words } from './messages.ts'

/** What a budget is about. */
export type Target =
  | { scope: 'organisation' }
  | { scope: 'project'; projectId: ProjectId }
  | { scope: 'task'; taskId: TaskId }
  | { scope: 'session'; sessionId: SessionId }

export function targetOf({ project, task, session }: Pick<Budget, 'project' | 'task' | 'session'>): Target {
  if (session !== null) return { scope: 'session', sessionId: session.id }
  if (task !== null) return { scope: 'task', taskId: task.id }
  return project === null ? { scope: 'organisation' } : { scope: 'project', projectId: project.id }
}

/** Which thing of its scope it is; null for the organisation. */
export function nameOf({ scope, project, task, session }: Pick<Budget, 'scope' | 'project' | 'task' | 'session'>): string | null {
  const names: Record<BudgetScope, string | null> = {
    organisation: null,
    project: project?.name ?? null,
    task: task === null ? null : `#${task.number} ${task.title}`,
    session: session === null ? null : (session.title ?? words.untitled),
  }
  return names[scope]
}

export function saveBudget(target: Target, body: BodyOf<typeof setBudget>): Promise<ResponseOf<typeof setBudget>> {
  if (target.scope === 'organisation') return call(setBudget, { body })
  if (target.scope === 'project') return call(setProjectBudget, { params: { projectId: target.projectId }, body })
  if (target.scope === 'task') return call(setTaskBudget, { params: { taskId: target.taskId }, body })
  return call(setSessionBudget, { params: { sessionId: target.sessionId }, body })
}

export function dropBudget(target: Target, { period, unit }: Pick<Budget, 'period' | 'unit'>): Promise<unknown> {
  const named = { period, unit }
  if (target.scope === 'organisation') return call(removeBudget, { params: named })
  if (target.scope === 'project') return call(removeProjectBudget, { params: { projectId: target.projectId, ...named } })
  if (target.scope === 'task') return call(removeTaskBudget, { params: { taskId: target.taskId, ...named } })
  return call(removeSessionBudget, { params: { sessionId: target.sessionId, ...named } })
}
