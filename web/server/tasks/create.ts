import { protectedBy } from '@helix/contract/branches'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { TaskId } from '@helix/contract/ids'
import type { Project } from '@helix/contract/projects'
import type { createTask } from '@helix/contract/tasks'
import type { Knex } from 'knex'
import { visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import { wakeAfterEdit } from '../internal/slots.ts'
import { enqueue } from '../outbox/store.ts'
import { ProjectStore } from '../projects/store.ts'
import { addDependencyRow } from './dependencies.ts'
import { ExtrasStore } from './extras/store.ts'
import { tidyTitle, titleOf } from './names.ts'
import type { TaskStore } from './store.ts'

/** Where a new task leaves from; throws where the project takes none. The base branch must be there. Only the default branch of a repository may be still to come: its first push, or the first merge, makes it. */
export async function newTaskBranch(context: Context, actor: Actor, project: Project, asked: string | undefined): Promise<string> {
  if (project.archivedAt !== null) throw new HelixError('conflict', `${project.name} is archived: bring it back before adding tasks.`)
  const [first] = project.repositories
  if (first === undefined) throw new HelixError('conflict', `${project.name} has no repository.`)
  const branch = asked ?? project.baseBranch ?? first.defaultBranch
  const pattern = protectedBy(await new ProjectStore(context.db).protectedBranches(actor.orgId, project.id), branch)
  if (pattern !== null)
    throw new HelixError('invalid_request', `baseBranch: "${branch}" is protected by "${pattern}": no task may be merged into it`, {
      fields: { baseBranch: `protected by "${pattern}": choose another branch` },
    })
  if (branch === first.defaultBranch) return branch
  const commit = await context.git.resolveCommit({ orgId: actor.orgId, repositoryId: first.id }, `refs/heads/${branch}`)
  if (commit !== null) return branch
  throw new HelixError('invalid_request', `baseBranch: ${first.name} has no branch "${branch}"`, {
    fields: { baseBranch: 'no such branch' },
  })
}

const unknown = (field: string, what: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${what}`, { fields: { [field]: what } })

/** Labels, assignees, dependencies and attachments of a new task. */
async function hang(trx: Knex, actor: Actor, project: Project, id: TaskId, body: BodyOf<typeof createTask>): Promise<void> {
  const extras = new ExtrasStore(trx)
  if ((await extras.setLabels(trx, project.id, id, body.labelIds)) !== null) throw unknown('labelIds', 'not a label of this project')
  const unassignable = await extras.setAssignees(trx, { orgId: actor.orgId, projectId: project.id, taskId: id }, body.assigneeIds)
  if (unassignable !== null) throw unknown('assigneeIds', unassignable)
  if ((await extras.attach(trx, project.id, id, body.attachmentIds)) !== null)
    throw unknown('attachmentIds', 'not a file that was uploaded to this project')
  const visible = await visibleProjects(trx, actor)
  for (const dependsOn of new Set(body.dependsOnIds)) {
    const other = await trx('spec_tasks').where({ org_id: actor.orgId, id: dependsOn }).first('project_id')
    if (other === undefined || (visible !== null && !visible.has(other.project_id)))
      throw unknown('dependsOnIds', 'not a task that you can see')
    await addDependencyRow(trx, actor.orgId, id, dependsOn)
  }
}

/** Row, event and outbox in one transaction: a task that is seen is a task whose workflow will start. */
export async function createTaskRow(
  context: Context,
  store: TaskStore,
  actor: Actor,
  project: Project,
  body: BodyOf<typeof createTask>,
): Promise<TaskId> {
  const baseBranch = await newTaskBranch(context, actor, project, body.baseBranch)
  const demo = await context.catalogue.demo({ orgId: actor.orgId, projectId: project.id, userId: actor.userId })
  const taskId = await context.db.transaction(async (trx) => {
    const id = await store.insert(trx, actor.orgId, {
      projectId: project.id,
      title: tidyTitle(body.title ?? '') || titleOf(body.prompt),
      prompt: body.prompt,
      agentRuntime: body.agentRuntime ?? project.agentRuntime,
      demo,
      justDoIt: body.justDoIt ?? project.justDoIt,
      baseBranch,
      priority: body.priority,
      createdBy: actor.userId,
    })
    await hang(trx, actor, project, id, body)
    const start = { id: `create/${id}`, action: 'start' as const, actorId: actor.userId }
    await enqueue(trx, actor.orgId, { kind: 'startTask', taskId: id, ...(body.start ? { request: start } : {}) })
    if (!body.start) await wakeAfterEdit(trx, actor.orgId, project.id)
    await appendEvent(trx, actor.orgId, { type: 'task.created', projectId: project.id, taskId: id })
    return id
  })
  context.bus.wake(actor.orgId)
  context.outbox.nudge()
  return taskId
}
