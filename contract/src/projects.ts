import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { branchPattern } from './branches.ts'
import { domainRule, egressModes } from './egress.ts'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { hostLabels } from './host-labels.ts'
import { idSchema } from './ids.ts'
import { rung } from './isolation.ts'
import { machineRules } from './machine.ts'
import { permissionMode } from './permission-mode.ts'
import { recordingRules } from './recording-rules.ts'
import { line, text, timestamp } from './text.ts'

export const project = z.object({
  id: idSchema('project'),
  name: z.string(),
  description: z.string(),
  agentRuntime,
  /** The model the agents ask for; null: the gateway's default. */
  model: z.string().nullable(),
  /** How many tasks may be in planning, and how many in implementing, at once. */
  planningLimit: z.number().int(),
  implementingLimit: z.number().int(),
  /** Counts from the next start of each session. */
  permissionMode,
  /** What a new task begins with, unless it says otherwise. */
  justDoIt: z.boolean(),
  /** Tasks of the backlog start by themselves when places are free. */
  autoStart: z.boolean(),
  /** Where working branches of new tasks leave from and are merged to; null: the default branch of the first repository. */
  baseBranch: z.string().nullable(),
  /** In the order of the project; the first holds the branch `helix-specs`. */
  repositories: z.array(z.object({ id: idSchema('repository'), name: z.string(), defaultBranch: z.string() })),
  openTasks: z.number().int(),
  /** Rises with every change of the settings; an edit names the one it began from. */
  version: z.number().int(),
  /** An archived project is read but takes no new tasks. */
  archivedAt: timestamp.nullable(),
  createdAt: timestamp,
})
export type Project = z.infer<typeof project>

/** What a project asks of a review of a spec; the server keeps it in the transaction that moves the task. */
export const reviewRules = z.object({
  /** How many people must approve the same commit. */
  approvalsNeeded: z.number().int().min(1).max(5),
  /** Whether who made the task may approve it. */
  selfApproval: z.boolean(),
  /** Every thread must be resolved before an approval. */
  requireResolved: z.boolean(),
  /** Units: hours until reviewers are reminded, at most three times and each time later; 0: never. */
  reviewReminderHours: z.number().int().min(0).max(720),
  /** Reviewers may make links that show a spec to anybody who has them. Taking it back closes every link. */
  publicLinks: z.boolean(),
  /** Who is asked to review, unless a task names others. */
  defaultReviewerIds: z.array(idSchema('user')).max(20),
})
export type ReviewRules = z.infer<typeof reviewRules>

/** Where sessions of a project may run, and what they may reach. Counts from the next start of each. */
export const sandboxRules = z.object({
  egressMode: z.enum(egressModes),
  /** For `listed`: example.com, *.example.com, example.com:8443. */
  egressDomains: z.array(domainRule).max(200),
  /** Hosts that isolate less get no session of this project; null: every host may. */
  minimumRung: rung.nullable(),
  /** Only hosts that have all of these labels get a session of this project. */
  hostLabels,
  ...machineRules.shape,
  /** Of desktops; counts at once. */
  recording: recordingRules,
})
export type SandboxRules = z.infer<typeof sandboxRules>

/** Units: seconds. */
export const startUpSeconds = z.number().int().min(10).max(900)
/** Units: UTF-16 units. */
export const longest = { startUpScript: 32_000, guidelines: 20_000 }

export const projectSettings = project.extend({
  ...reviewRules.shape,
  ...sandboxRules.shape,
  /** Branches that tasks may not be merged into and agents may not push. */
  protectedBranches: z.array(z.string()),
  /** Run in the working copy of the first repository when a session starts, before the agent; empty: none. */
  startUpScript: z.string(),
  startUpSeconds,
  /** Markdown that is added to what the agents are told. */
  guidelines: z.string(),
  /** The newest change; null for a project nobody changed. */
  changed: z.object({ by: z.string().nullable(), at: timestamp }).nullable(),
})
export type ProjectSettings = z.infer<typeof projectSettings>

const params = z.object({ projectId: idSchema('project') })
const limit = z.number().int().min(1).max(100)
export const repositoryIds = z.array(idSchema('repository')).min(1).max(20)

export const listProjects = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects',
  permission: 'project:read',
  summary: 'Projects of the organisation',
  query: pageQuery.extend({ archived: z.enum(['without', 'with', 'only']).default('without') }),
  response: page(project),
})

export const createProject = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects',
  permission: 'project:write',
  summary: 'Create a project over existing repositories',
  body: z.object({
    name: line(80),
    description: text(2000).default(''),
    agentRuntime: agentRuntime.optional(),
    repositoryIds,
    /** Take the settings from `helix.yaml` at the root of the first repository's default branch; its name and repositories are not taken. */
    fromHelixYaml: z.boolean().default(false),
  }),
  response: project,
})

export const getProject = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId',
  permission: 'project:read',
  summary: 'One project',
  params,
  response: project,
})

export const getProjectSettings = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/settings',
  permission: 'project:read',
  summary: 'All settings of a project, and who changed them last',
  params,
  response: projectSettings,
})

export const updateProject = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/projects/:projectId',
  permission: 'project:write',
  summary: 'Change the settings of a project',
  params,
  body: z.object({
    /** The version the change began from: when somebody changed the settings since, `conflict` says who and when, and nothing is written. */
    expected: z.number().int().optional(),
    name: line(80).optional(),
    description: text(2000).optional(),
    agentRuntime: agentRuntime.optional(),
    model: line(200).nullable().optional(),
    planningLimit: limit.optional(),
    implementingLimit: limit.optional(),
    permissionMode: permissionMode.optional(),
    justDoIt: z.boolean().optional(),
    autoStart: z.boolean().optional(),
    baseBranch: line(200).nullable().optional(),
    protectedBranches: z.array(branchPattern).max(20).optional(),
    startUpScript: text(longest.startUpScript).optional(),
    startUpSeconds: startUpSeconds.optional(),
    guidelines: text(longest.guidelines).optional(),
    ...reviewRules.partial().shape,
    ...sandboxRules.partial().shape,
    /** Adds, removes and orders the repositories. */
    repositoryIds: repositoryIds.optional(),
  }),
  response: projectSettings,
  errors: ['conflict'],
})

export const archiveProject = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/archive',
  permission: 'project:write',
  summary: 'Take the project out of the lists; it takes no new tasks until it is brought back',
  params,
  response: project,
})

export const unarchiveProject = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/unarchive',
  permission: 'project:write',
  summary: 'Bring an archived project back',
  params,
  response: project,
})

/** Units: days a deleted project can be restored. */
export const keptDays = 30

export const deleteProject = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId',
  permission: 'project:write',
  summary: 'Hide the project and stop its tasks at once; for 30 days it can be restored, then it is gone',
  params,
  /** The project's name, typed to confirm. */
  body: z.object({ name: line(80) }),
  response: z.object({ goneAt: timestamp }),
})

export const deletedProject = z.object({
  id: idSchema('project'),
  name: z.string(),
  deletedAt: timestamp,
  deletedBy: z.string().nullable(),
  /** When it cannot be restored any more. */
  goneAt: timestamp,
  tasks: z.number().int(),
})
export type DeletedProject = z.infer<typeof deletedProject>

export const listDeletedProjects = defineEndpoint({
  method: 'GET',
  path: '/api/v1/deleted-projects',
  permission: 'project:read',
  summary: 'Deleted projects that the caller can still restore',
  response: z.object({ items: z.array(deletedProject) }),
})

export const restoreProject = defineEndpoint({
  method: 'POST',
  path: '/api/v1/deleted-projects/:deletedProjectId/restore',
  permission: 'project:write',
  summary: 'Restore a deleted project; tasks that the deletion stopped come back to the backlog',
  params: z.object({ deletedProjectId: idSchema('project') }),
  response: project,
})
