import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { attachment } from './attachments.ts'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { label } from './labels.ts'
import { priority } from './priorities.ts'
import { branchName, commitHash } from './repositories.ts'
import { taskActions, taskFailure, taskStatus } from './task-status.ts'
import { line, text, timestamp } from './text.ts'

export const taskCard = z.object({
  id: idSchema('task'),
  projectId: idSchema('project'),
  /** Counts from 1 in each project. */
  number: z.number().int(),
  title: z.string(),
  status: taskStatus,
  /** The status it failed in; null unless failed. */
  failedFrom: taskStatus.nullable(),
  failure: taskFailure.nullable(),
  /** One sentence: what the task waits for, or what its agent does now. */
  activity: z.string(),
  agentRuntime,
  /** True while the answers come from the built-in demo script and not from a model. */
  demo: z.boolean(),
  /** Markers of tasks.md; null before the first revision. */
  progress: z.object({ done: z.number().int(), total: z.number().int() }).nullable(),
  priority,
  labels: z.array(label),
  assignees: z.array(
    z.object({
      id: idSchema('user'),
      name: z.string(),
      /** They may not see the project any more: nothing of this task reaches them. */
      lostAccess: z.boolean(),
    }),
  ),
  /** Numbers of the tasks it depends on that are still to be merged; an archived one is not waited for. */
  blockedBy: z.array(z.number().int()),
  attachmentCount: z.number().int(),
  /** Its agent stopped for want of budget, and goes on when there is some. */
  needsBudget: z.boolean().default(false),
  /** Its session, while that has a machine: there may be a picture of the desktop. */
  liveSessionId: idSchema('session').nullable().default(null),
  /** Counts the changes of status. */
  step: z.number().int(),
  /** Raised by each edit of title, prompt, priority, labels or assignees; an edit names the one it saw. */
  version: z.number().int(),
  createdBy: z.object({ id: idSchema('user'), name: z.string() }),
  createdAt: timestamp,
  updatedAt: timestamp,
})
export type TaskCard = z.infer<typeof taskCard>

/** A task that another one needs or that needs it. */
const related = z.object({
  id: idSchema('task'),
  projectId: idSchema('project'),
  number: z.number().int(),
  title: z.string(),
  status: taskStatus,
})

export const taskDetails = taskCard.extend({
  dependsOn: z.array(related),
  neededBy: z.array(related),
  attachments: z.array(attachment),
  prompt: z.string(),
  justDoIt: z.boolean(),
  baseBranch: z.string(),
  /** The task's working branch, e.g. `feature/000001-add-a-greeting`. */
  branch: z.string(),
  /** `design/tasks/000001_add-a-greeting` on branch `helix-specs` of the first repository. */
  specFolder: z.string(),
  sessionId: idSchema('session').nullable(),
  /** The newest commit of the working branch, null before the first push. */
  branchCommit: commitHash.nullable(),
  /** The newest spec revision, null before the first. */
  revision: z.object({ id: idSchema('revision'), number: z.number().int(), commit: commitHash }).nullable(),
  mergedCommit: commitHash.nullable(),
  allowed: z.array(z.enum(taskActions)),
  /** Workflow id in the Temporal UI, and the UI's link where one is configured. */
  workflowId: z.string(),
  workflowUrl: z.string().nullable(),
})
export type Task = z.infer<typeof taskDetails>

const params = z.object({ taskId: idSchema('task') })
const ofProject = z.object({ projectId: idSchema('project') })

/** Units: characters. Longer prompts answer 413. */
export const promptMaxLength = 200_000

export const createTask = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/tasks',
  permission: 'task:write',
  summary: 'Create a spec task from a prompt',
  params: ofProject,
  body: z.object({
    prompt: text(promptMaxLength).refine((value) => value.trim() !== '', 'say what you want'),
    /** Default: the first line of the prompt. */
    title: line(200).optional(),
    agentRuntime: agentRuntime.optional(),
    baseBranch: branchName.optional(),
    /** Skip the spec and its review. */
    /** Left out: what the project's settings say. */
    justDoIt: z.boolean().optional(),
    /** Start now instead of waiting in the backlog. */
    start: z.boolean().default(true),
    priority: priority.default('normal'),
    labelIds: z.array(idSchema('label')).max(20).default([]),
    assigneeIds: z.array(idSchema('user')).max(20).default([]),
    /** It waits in the queue until these are merged. */
    dependsOnIds: z.array(idSchema('task')).max(50).default([]),
    /** Uploaded before. */
    attachmentIds: z.array(idSchema('attachment')).max(20).default([]),
  }),
  response: taskDetails,
  errors: ['idempotency_mismatch', 'too_large'],
  maxBodyBytes: 1024 * 1024,
})

export const getBoard = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/board',
  permission: 'task:read',
  summary: 'Every card of the board that is not archived, newest change first, and where live events go on from',
  params: ofProject,
  response: z.object({
    /** Of the merged ones the newest hundred. */
    cards: z.array(taskCard),
    mergedTotal: z.number().int(),
    archivedTotal: z.number().int(),
    /** Give it to `/api/v1/events` as `Last-Event-ID`: no change after this answer is missed. */
    lastEventId: z.string(),
  }),
})

export const getTask = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId',
  permission: 'task:read',
  summary: 'One task',
  params,
  response: taskDetails,
})

export const updateTask = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/tasks/:taskId',
  permission: 'task:write',
  summary: 'Edit a task. Refused when somebody else has edited it since the version that the caller saw',
  params,
  body: z.object({
    expectedVersion: z.number().int().min(1),
    title: line(200).optional(),
    /** Only in the backlog: an agent at work has the old one. */
    prompt: text(promptMaxLength)
      .refine((value) => value.trim() !== '', 'say what you want')
      .optional(),
    priority: priority.optional(),
    labelIds: z.array(idSchema('label')).max(20).optional(),
    assigneeIds: z.array(idSchema('user')).max(20).optional(),
  }),
  response: taskDetails,
  errors: ['conflict'],
  maxBodyBytes: 1024 * 1024,
})

const dependency = params.extend({ dependsOnId: idSchema('task') })

export const addDependency = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/tasks/:taskId/dependencies/:dependsOnId',
  permission: 'task:write',
  summary: 'Let the task wait until another one is merged; a circle is refused and named',
  params: dependency,
  response: taskDetails,
  errors: ['conflict'],
})

export const removeDependency = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/tasks/:taskId/dependencies/:dependsOnId',
  permission: 'task:write',
  summary: 'Let the task wait for the other one no more',
  params: dependency,
  response: taskDetails,
})

export const listTasks = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/tasks',
  permission: 'task:read',
  summary: 'Tasks of a project, archived ones too, newest first',
  params: ofProject,
  query: z.object({
    status: taskStatus.optional(),
    /** Only these, with commas between them; at most 50. */
    ids: line(2000).optional(),
    /** Words that the title has, all of them, in any case; a number is also that task's. */
    find: line(200).optional(),
    cursor: line(200).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: page(taskCard),
})
