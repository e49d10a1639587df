import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { Project } from '@helix/contract/projects'
import type { createTask } from '@helix/contract/tasks'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import { enqueue } from '../outbox/store.ts'
import { tidyTitle, titleOf } from './names.ts'
import type { TaskStore } from './store.ts'

/** The base branch must be there. Only the default branch of a repository may be still to come: its first push, or the first merge, makes it. */
async function baseBranchOf(context: Context, actor: Actor, project: Project, asked: string | undefined): Promise<string> {
  const [first] = project.repositories
  if (first === undefined) throw new HelixError('conflict', 'The project has no repository.')
  if (asked === undefined || asked === first.defaultBranch) return first.defaultBranch
  const commit = await context.git.resolveCommit({ orgId: actor.orgId, repositoryId: first.id }, `refs/heads/${asked}`)
  if (commit !== null) return asked
  throw new HelixError('invalid_request', `baseBranch: ${first.name} has no branch "${asked}"`, {
    fields: { baseBranch: 'no such branch' },
  })
}

/** Row, event and outbox in one transaction: a task that is seen is a task whose workflow will start. */
export async function createTaskRow(
  context: Context,
  store: TaskStore,
  actor: Actor,
  project: Project,
  body: BodyOf<typeof createTask>,
): Promise<TaskId> {
  const baseBranch = await baseBranchOf(context, actor, project, body.baseBranch)
  const taskId = await context.db.transaction(async (trx) => {
    const id = await store.insert(trx, actor.orgId, {
      projectId: project.id,
      title: tidyTitle(body.title ?? '') || titleOf(body.prompt),
      prompt: body.prompt,
      agentRuntime: body.agentRuntime ?? project.agentRuntime,
      demo: context.providers.demo,
      justDoIt: body.justDoIt,
      baseBranch,
      createdBy: actor.userId,
    })
    await appendEvent(trx, actor.orgId, { type: 'task.created', projectId: project.id, taskId: id })
    const start = { id: `create/${id}`, action: 'start' as const, actorId: actor.userId }
    await enqueue(trx, actor.orgId, { kind: 'startTask', taskId: id, ...(body.start ? { request: start } : {}) })
    return id
  })
  context.bus.wake(actor.orgId)
  context.outbox.nudge()
  return taskId
}
