import { z } from 'zod'
import { agentRuntime } from './agents.ts'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, text, timestamp } from './text.ts'

/** `allow`: agents use their tools without asking, the container is the boundary. `ask`: what they ask waits for a person. */
export const permissionMode = z.enum(['allow', 'ask'])
export type PermissionMode = z.infer<typeof permissionMode>

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
  /** In the order of the project; the first holds the branch `helix-specs`. */
  repositories: z.array(z.object({ id: idSchema('repository'), name: z.string(), defaultBranch: z.string() })),
  openTasks: z.number().int(),
  createdAt: timestamp,
})
export type Project = z.infer<typeof project>

const params = z.object({ projectId: idSchema('project') })
const limit = z.number().int().min(1).max(100)

export const listProjects = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects',
  permission: 'project:read',
  summary: 'Projects of the organisation',
  query: pageQuery,
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
    repositoryIds: z.array(idSchema('repository')).min(1).max(20),
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

export const updateProject = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/projects/:projectId',
  permission: 'project:write',
  summary: 'Change the settings of a project',
  params,
  body: z.object({
    name: line(80).optional(),
    description: text(2000).optional(),
    agentRuntime: agentRuntime.optional(),
    model: line(200).nullable().optional(),
    planningLimit: limit.optional(),
    implementingLimit: limit.optional(),
    permissionMode: permissionMode.optional(),
  }),
  response: project,
})
