import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { errorCodes } from './errors.ts'
import { idSchema } from './ids.ts'
import { priority } from './priorities.ts'
import { taskDetails } from './tasks.ts'

const change = z.discriminatedUnion('action', [
  z.object({ action: z.enum(['start', 'retry', 'back_to_backlog', 'archive', 'restore', 'undo_archive']) }),
  z.object({ action: z.literal('set_priority'), priority }),
  z.object({ action: z.literal('add_label'), labelId: idSchema('label') }),
  z.object({ action: z.literal('remove_label'), labelId: idSchema('label') }),
  z.object({ action: z.literal('assign'), userId: idSchema('user') }),
  z.object({ action: z.literal('unassign'), userId: idSchema('user') }),
])
export type BulkChange = z.infer<typeof change>

/** Tasks of one request. */
export const bulkMax = 200

export const bulkTasks = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/tasks/bulk',
  permission: 'task:write',
  summary: 'Do one thing to many tasks; each says for itself whether it was done',
  params: z.object({ projectId: idSchema('project') }),
  body: z.object({ taskIds: z.array(idSchema('task')).min(1).max(bulkMax), change }),
  response: z.object({
    results: z.array(
      z.object({
        taskId: idSchema('task'),
        number: z.number().int().nullable(),
        /** Null when it was done. */
        error: z.object({ code: z.enum(errorCodes), message: z.string() }).nullable(),
        /** What came of it where that is not all that was asked for; for people. */
        note: z.string().nullable(),
      }),
    ),
  }),
})

export const cloneTask = defineEndpoint({
  method: 'POST',
  path: '/api/v1/tasks/:taskId/clone',
  permission: 'task:read',
  summary:
    'Copy the task into the backlog of other projects (or its own): prompt, priority, labels by name, attachments, and the assignees who see them',
  params: z.object({ taskId: idSchema('task') }),
  body: z.object({ projectIds: z.array(idSchema('project')).min(1).max(20) }),
  response: z.object({
    items: z.array(taskDetails),
    /** Who was not assigned to a copy, and why; for people. */
    notes: z.array(z.string()),
  }),
  errors: ['forbidden', 'idempotency_mismatch'],
})
