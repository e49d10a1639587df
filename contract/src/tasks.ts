import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { attachment } from './attachments.ts'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { label } from './labels.ts'
import { priority } from './priorities.ts'
import { branchName, commit, commitHash, fileChange } from './repositories.ts'
import { line, text, timestamp } from './text.ts'

export const taskStatuses = [
  'backlog',
  'queued_planning',
  'planning',
  'spec_review',
  'queued_implementation',
  'implementing',
  'implementation_review',
  'pull_request',
  'merged',
  'failed',
  'archived',
] as const
export type TaskStatus = (typeof taskStatuses)[number]
export const taskStatus = z.enum(taskStatuses)

/** The columns of the board, in order, and the statuses each shows. A failed task shows in the column it failed in. */
export const boardColumns = [
  { key: 'backlog', title: 'Backlog', statuses: ['backlog'] },
  { key: 'planning', title: 'Planning', statuses: ['queued_planning', 'planning'] },
  { key: 'spec_review', title: 'Spec review', statuses: ['spec_review'] },
  { key: 'implementing', title: 'Implementing', statuses: ['queued_implementation', 'implementing'] },
  { key: 'implementation_review', title: 'Review', statuses: ['implementation_review'] },
  { key: 'pull_request', title: 'Merging', statuses: ['pull_request'] },
  { key: 'merged', title: 'Merged', statuses: ['merged'] },
] as const satisfies readonly { key: string; title: string; statuses: readonly TaskStatus[] }[]

/** What a person may ask of a task; `allowed` on a task lists those its state takes now. */
export const taskActions = [
  'start',
  'approve_spec',
  'request_spec_changes',
  'reject_spec',
  'approve_implementation',
  'request_implementation_changes',
  'retry',
  'back_to_backlog',
  'archive',
  'restore',
] as const
export type TaskAction = (typeof taskActions)[number]

export const taskFailure = z.object({
  /** Stable: `deadline`, `no_spec`, `no_changes`, `agent_failed`, `merge_failed`, `internal`. */
  code: z.string(),
  message: z.string(),
})

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
  assignees: z.array(z.object({ id: idSchema('user'), name: z.string() })),
  /** Numbers of the tasks it depends on that are not merged yet. */
  blockedBy: z.array(z.number().int()),
  attachmentCount: z.number().int(),
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
    /** Only before it was started. */
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

export const verdict = z.object({
  status: taskStatus,
  task: taskDetails,
  /** What came of it where the task did not move, e.g. `1 of 2 approvals`. */
  note: z.string().nullable(),
})
const moves = ['transition_refused', 'worker_unavailable', 'temporal_unavailable'] as const

function move<B extends z.ZodType>(action: string, permission: 'task:write' | 'task:review', summary: string, body: B) {
  return defineEndpoint({
    method: 'POST',
    path: `/api/v1/tasks/:taskId/${action}`,
    permission,
    summary,
    params,
    body,
    response: verdict,
    errors: [...moves, 'revision_outdated', 'branch_moved'],
  })
}

const none = z.object({})
export const startTask = move('start', 'task:write', 'Queue the task for planning', none)
export const approveSpec = move(
  'approve-spec',
  'task:review',
  'Approve the spec; binds to the commit, refused when a newer revision exists. The last approval that the project asks for moves the task',
  z.object({ commit: commitHash }),
)
export const requestSpecChanges = move(
  'request-spec-changes',
  'task:review',
  'Send the open comments and this note to the agent',
  z.object({ commit: commitHash, note: text(20_000).default('') }),
)
export const rejectSpec = move(
  'reject-spec',
  'task:review',
  'Refuse the spec for good: the task goes back to the backlog with the reason',
  z.object({ commit: commitHash, note: text(20_000).refine((value) => value.trim() !== '', 'say why') }),
)
export const approveImplementation = move(
  'approve-implementation',
  'task:review',
  'Approve the branch at this commit and merge it',
  z.object({ commit: commitHash }),
)
export const requestImplementationChanges = move(
  'request-implementation-changes',
  'task:review',
  'Send the implementation back to the agent with this note',
  z.object({ note: text(20_000).default('') }),
)
export const retryTask = move('retry', 'task:write', 'Try again from where it failed', none)
export const moveToBacklog = move('back-to-backlog', 'task:write', 'Stop the agent and put the task back; specs and branch stay', none)
export const archiveTask = move('archive', 'task:write', 'Stop the agent and take the task off the board', none)
export const restoreTask = move('restore', 'task:write', 'Bring an archived task back', none)

export const taskMoves = {
  start: startTask,
  approve_spec: approveSpec,
  request_spec_changes: requestSpecChanges,
  reject_spec: rejectSpec,
  approve_implementation: approveImplementation,
  request_implementation_changes: requestImplementationChanges,
  retry: retryTask,
  back_to_backlog: moveToBacklog,
  archive: archiveTask,
  restore: restoreTask,
} as const satisfies Record<TaskAction, unknown>

/** `queue`: after what waits; `steer`: next, into the running turn where the agent can; `interrupt`: ends the running turn first. */
export const promptModes = ['queue', 'steer', 'interrupt'] as const
export type PromptMode = (typeof promptModes)[number]

export const sendPrompt = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/prompts',
  permission: 'task:write',
  summary: 'Send a message to the agent of this task: after what waits, next, or instead of the running turn',
  params,
  body: z.object({
    text: text(promptMaxLength).refine((value) => value.trim() !== '', 'say something'),
    mode: z.enum(promptModes).default('queue'),
    attachmentIds: z.array(line(100)).max(20).default([]),
  }),
  response: z.object({
    promptId: idSchema('prompt'),
    /** What became of it, where that is not what was asked for; for people. */
    note: z.string().nullable(),
  }),
  errors: ['conflict', 'idempotency_mismatch'],
  maxBodyBytes: 1024 * 1024,
})

export const timelineStep = z.object({
  step: z.number().int(),
  status: taskStatus,
  /** What moved it: a message of the workflow, e.g. `specReady`. */
  cause: z.string(),
  reason: z.string().nullable(),
  actor: z.string().nullable(),
  at: timestamp,
  /** Until the next step; null for the current one. */
  durationMs: z.number().int().nullable(),
})
export type TimelineStep = z.infer<typeof timelineStep>

export const getTimeline = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/timeline',
  permission: 'task:read',
  summary: 'The steps of the workflow, the starts of its session and its turns, oldest first',
  params,
  response: z.object({
    steps: z.array(timelineStep),
    sessionStarts: z.array(
      z.object({
        epoch: z.number().int(),
        reason: z.string(),
        stages: z.array(z.object({ name: z.string(), durationMs: z.number() })),
        at: timestamp,
      }),
    ),
    turns: z.array(
      z.object({
        promptId: idSchema('prompt'),
        kind: z.string(),
        state: z.enum(['queued', 'running', 'ended', 'failed', 'withdrawn']),
        outcome: z.string().nullable(),
        queuedAt: timestamp,
        startedAt: timestamp.nullable(),
        endedAt: timestamp.nullable(),
      }),
    ),
    /** What the agent asked a person, and how long that took. */
    waits: z.array(
      z.object({
        requestId: z.string(),
        title: z.string(),
        state: z.enum(['pending', 'answered', 'void']),
        answeredBy: z.string().nullable(),
        askedAt: timestamp,
        endedAt: timestamp.nullable(),
      }),
    ),
  }),
})

export const getChanges = defineEndpoint({
  method: 'GET',
  path: '/api/v1/tasks/:taskId/changes',
  permission: 'task:read',
  summary: 'The diff of the working branch against where it left the base branch',
  params,
  response: z.object({
    repositoryId: idSchema('repository'),
    base: commitHash.nullable(),
    head: commitHash.nullable(),
    commits: z.array(commit),
    files: z.array(fileChange),
    /** True when the diff has more than 500 files and the rest is left out. */
    truncated: z.boolean(),
  }),
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
    cursor: line(200).optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  }),
  response: page(taskCard),
})
