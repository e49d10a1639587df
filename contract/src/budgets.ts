import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { timestamp } from './text.ts'

/** Days and months in UTC; `total`: for ever. */
export const budgetPeriods = ['day', 'month', 'total'] as const
export type BudgetPeriod = (typeof budgetPeriods)[number]
export const budgetUnits = ['money', 'tokens'] as const
export type BudgetUnit = (typeof budgetUnits)[number]
export const budgetScopes = ['organisation', 'project', 'task', 'session'] as const
export type BudgetScope = (typeof budgetScopes)[number]

/** Percent of a budget at which people are told, each once in a period. */
export const budgetThresholds = [50, 80, 95] as const

/** Units: micro-dollars or tokens. */
const amount = z.number().int().min(0).max(1_000_000_000_000_000)

export const budget = z.object({
  id: idSchema('budget'),
  scope: z.enum(budgetScopes),
  /** What it is about; all null for the organisation. */
  project: z.object({ id: idSchema('project'), name: z.string() }).nullable(),
  task: z.object({ id: idSchema('task'), number: z.number().int(), title: z.string() }).nullable(),
  session: z.object({ id: idSchema('session'), title: z.string().nullable() }).nullable(),
  period: z.enum(budgetPeriods),
  unit: z.enum(budgetUnits),
  /** Units: micro-dollars or tokens, as all amounts here. */
  limit: amount,
  /** In the running period. */
  spent: z.number().int(),
  /** By calls under way, and kept ready for the next. */
  held: z.number().int(),
  /** When the period began, and when the next one begins; null where there are none. */
  startsAt: timestamp.nullable(),
  endsAt: timestamp.nullable(),
  /** What was spent by then, oldest first. */
  points: z.array(z.object({ at: timestamp, spent: z.number().int() })),
  /** The caller may change it. */
  mayChange: z.boolean(),
})
export type Budget = z.infer<typeof budget>

const budgets = z.object({
  items: z.array(budget),
  /** Sessions that wait for a higher budget. */
  waiting: z.number().int(),
})

const setting = z.object({
  period: z.enum(budgetPeriods),
  unit: z.enum(budgetUnits),
  /** 0 lets nothing through that costs. */
  limit: amount,
  /** The limit that the caller saw, null where there was none; left out: whatever it was. */
  was: amount.nullable().optional(),
})
const answer = z.object({
  budget,
  /** Sessions that waited for it and go on now. */
  resumed: z.number().int(),
})
const named = { period: z.enum(budgetPeriods), unit: z.enum(budgetUnits) }
const ofProject = { projectId: idSchema('project') }
const ofTask = { taskId: idSchema('task') }
const ofSession = { sessionId: idSchema('session') }

export const listBudgets = defineEndpoint({
  method: 'GET',
  path: '/api/v1/budgets',
  permission: 'organisation:write',
  summary: 'Every budget of the organisation, its projects, tasks and sessions; at most 500, the widest first',
  response: budgets,
})

export const setBudget = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/budgets',
  permission: 'organisation:write',
  summary: 'Set a budget of the organisation. What waits for it and has room now goes on',
  body: setting,
  response: answer,
  errors: ['conflict'],
})

export const removeBudget = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/budgets/:period/:unit',
  permission: 'organisation:write',
  summary: 'Remove a budget of the organisation',
  params: z.object(named),
})

export const listProjectBudgets = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/budgets',
  permission: 'project:read',
  summary: 'The budgets of a project, its tasks and sessions, and those of the organisation above it',
  params: z.object(ofProject),
  response: budgets,
})

export const setProjectBudget = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/projects/:projectId/budgets',
  permission: 'project:write',
  summary: 'Set a budget of the project. What waits for it and has room now goes on',
  params: z.object(ofProject),
  body: setting,
  response: answer,
  errors: ['conflict'],
})

export const removeProjectBudget = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/budgets/:period/:unit',
  permission: 'project:write',
  summary: 'Remove a budget of the project',
  params: z.object({ ...ofProject, ...named }),
})

/** Why a session waits. */
const stopped = z.object({
  id: idSchema('budgetStop'),
  /** Which budget it was, how it stands and who may raise it. */
  message: z.string(),
  /** Null: removed since. */
  budgetId: idSchema('budget').nullable(),
  /** What the call that was refused may cost, in that budget’s unit. */
  needs: z.number().int(),
  at: timestamp,
})
export type BudgetStop = z.infer<typeof stopped>

export const listTaskBudgets = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/budgets',
  permission: 'task:read',
  summary: 'Every budget that calls of the task are held against, and why the task waits where it does',
  params: z.object(ofTask),
  response: z.object({ items: z.array(budget), stop: stopped.nullable() }),
})

export const setTaskBudget = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/tasks/:taskId/budgets',
  permission: 'task:write',
  summary: 'Set a budget of the task. Where it waits for it and has room now, the same step goes on',
  params: z.object(ofTask),
  body: setting,
  response: answer,
  errors: ['conflict'],
})

export const removeTaskBudget = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/tasks/:taskId/budgets/:period/:unit',
  permission: 'task:write',
  summary: 'Remove a budget of the task',
  params: z.object({ ...ofTask, ...named }),
})

export const listSessionBudgets = defineEndpoint({
  method: 'GET',
  path: '/api/v1/sessions/:sessionId/budgets',
  permission: 'task:read',
  summary: 'Every budget that calls of the session are held against, and why it waits where it does',
  params: z.object(ofSession),
  response: z.object({ items: z.array(budget), stop: stopped.nullable() }),
})

export const setSessionBudget = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/sessions/:sessionId/budgets',
  permission: 'task:write',
  summary: 'Set a budget of the session. Where it waits for it and has room now, it goes on',
  params: z.object(ofSession),
  body: setting,
  response: answer,
  errors: ['conflict'],
})

export const removeSessionBudget = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/sessions/:sessionId/budgets/:period/:unit',
  permission: 'task:write',
  summary: 'Remove a budget of the session',
  params: z.object({ ...ofSession, ...named }),
})

/** Null: as many as one likes. */
const rate = z.object({
  requestsPerMinute: z.number().int().min(1).max(10_000_000).nullable(),
  tokensPerMinute: z.number().int().min(1).max(1_000_000_000_000).nullable(),
})
export const rateLimits = z.object({
  /** All calls together. */
  organisation: rate,
  /** Of each API key. */
  key: rate,
  /** Of each session. */
  session: rate,
})
export type RateLimits = z.infer<typeof rateLimits>

export const getRateLimits = defineEndpoint({
  method: 'GET',
  path: '/api/v1/rate-limits',
  permission: 'organisation:write',
  summary: 'How many calls and tokens of inference a minute the organisation lets through',
  response: rateLimits,
})

export const setRateLimits = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/rate-limits',
  permission: 'organisation:write',
  summary: 'Replace the limits of rate; they hold within a second',
  body: rateLimits,
  response: rateLimits,
})
