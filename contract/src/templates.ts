import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { priority } from './priorities.ts'
import { line, text } from './text.ts'

export const templatePrompt = text(100_000).refine((value) => value.trim() !== '', 'say what is wanted')

export const taskTemplate = z.object({
  id: idSchema('template'),
  name: z.string(),
  prompt: z.string(),
  justDoIt: z.boolean(),
  priority,
})
export type TaskTemplate = z.infer<typeof taskTemplate>

const ofProject = z.object({ projectId: idSchema('project') })

export const listTemplates = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/templates',
  permission: 'task:read',
  summary: 'Templates for new tasks of the project, by name',
  params: ofProject,
  response: z.object({ items: z.array(taskTemplate), nextCursor: z.null() }),
})

export const createTemplate = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/templates',
  permission: 'task:write',
  summary: 'Save a template; one of the same name is replaced',
  params: ofProject,
  body: z.object({
    name: line(80),
    prompt: templatePrompt,
    justDoIt: z.boolean().default(false),
    priority: priority.default('normal'),
  }),
  response: taskTemplate,
  maxBodyBytes: 512 * 1024,
})

export const deleteTemplate = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/templates/:templateId',
  permission: 'task:write',
  summary: 'Delete a template',
  params: ofProject.extend({ templateId: idSchema('template') }),
})
