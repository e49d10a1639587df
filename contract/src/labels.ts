import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { line } from './text.ts'

/** Names of tokens of the design system; each is shown with the label's name, never alone. */
export const labelColours = ['grey', 'blue', 'green', 'amber', 'red', 'violet', 'teal', 'pink'] as const
export const labelColour = z.enum(labelColours)

export const label = z.object({ id: idSchema('label'), name: z.string(), colour: labelColour })
export type Label = z.infer<typeof label>

const ofProject = z.object({ projectId: idSchema('project') })
const ofLabel = ofProject.extend({ labelId: idSchema('label') })

export const listLabels = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/labels',
  permission: 'task:read',
  summary: 'Labels of the project, by name',
  params: ofProject,
  response: z.object({ items: z.array(label), nextCursor: z.null() }),
})

export const createLabel = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/labels',
  permission: 'task:write',
  summary: 'Create a label',
  params: ofProject,
  body: z.object({ name: line(40), colour: labelColour.default('grey') }),
  response: label,
  errors: ['conflict'],
})

export const updateLabel = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/projects/:projectId/labels/:labelId',
  permission: 'task:write',
  summary: 'Rename or recolour a label',
  params: ofLabel,
  body: z.object({ name: line(40).optional(), colour: labelColour.optional() }),
  response: label,
  errors: ['conflict'],
})

export const deleteLabel = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/labels/:labelId',
  permission: 'task:write',
  summary: 'Delete a label; tasks lose it',
  params: ofLabel,
})
