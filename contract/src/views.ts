import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line, text } from './text.ts'

/** A board as somebody looks at it: the part of its URL after the question mark. */
export const boardView = z.object({
  id: idSchema('view'),
  name: z.string(),
  query: z.string(),
  shared: z.boolean(),
  own: z.boolean(),
  by: z.string(),
})
export type BoardView = z.infer<typeof boardView>

const ofProject = z.object({ projectId: idSchema('project') })

export const listViews = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/views',
  permission: 'task:read',
  summary: 'Own and shared views of the board, by name',
  params: ofProject,
  response: z.object({ items: z.array(boardView), nextCursor: z.null() }),
})

export const createView = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/views',
  permission: 'task:read',
  summary: 'Save a view of the board; sharing it needs task:write',
  params: ofProject,
  body: z.object({ name: line(80), query: text(1000), shared: z.boolean().default(false) }),
  response: boardView,
  errors: ['forbidden'],
})

export const deleteView = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/views/:viewId',
  permission: 'task:read',
  summary: 'Delete an own view',
  params: ofProject.extend({ viewId: idSchema('view') }),
})
