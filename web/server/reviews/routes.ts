import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import { createComment, getSpec, type Revision, resolveComment, type SpecDocument, specDocuments } from '@helix/contract/reviews'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { specFolderOfRow, type TaskRow, TaskStore } from '../tasks/store.ts'
import { ReviewStore } from './store.ts'

type Documents = Record<SpecDocument, string | null>

/** The three documents as they stand at a revision's commit; null where one is missing. */
export async function readDocuments(
  context: Context,
  tasks: TaskStore,
  task: TaskRow,
  revision: Pick<Revision, 'commit'>,
): Promise<Documents> {
  const [repository] = await tasks.repositoriesOf(task.org_id, task.project_id)
  const documents: Documents = { requirements: null, design: null, tasks: null }
  if (repository === undefined) return documents
  const key = { orgId: task.org_id, repositoryId: repository.id }
  await Promise.all(
    specDocuments.map(async (name) => {
      documents[name] = await context.git.readFile(key, revision.commit, `${specFolderOfRow(task)}/${name}.md`)
    }),
  )
  return documents
}

export function reviewRoutes(context: Context): Router {
  const router = Router()
  const store = new ReviewStore(context.db)
  const tasks = new TaskStore(context.db)

  const getRow = async (orgId: OrgId, taskId: TaskId): Promise<TaskRow> => {
    const row = await tasks.find(orgId, taskId)
    if (row === null) throw new HelixError('not_found')
    return row
  }

  mount(router, context, getSpec, async ({ actor, params, query }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const revisions = await store.revisions(actor.orgId, task.id)
    const revision =
      query.revision === undefined ? (revisions[0] ?? null) : (revisions.find(({ number }) => number === query.revision) ?? null)
    if (query.revision !== undefined && revision === null) throw new HelixError('not_found', `There is no revision ${query.revision}.`)
    const documents =
      revision === null ? { requirements: null, design: null, tasks: null } : await readDocuments(context, tasks, task, revision)
    return {
      revisions,
      revision,
      documents,
      comments: await store.commentsOf(actor.orgId, task.id),
      reviews: await store.reviews(actor.orgId, task.id),
    }
  })
  mount(router, context, createComment, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const revision = (await store.revisions(actor.orgId, task.id)).find(({ id }) => id === body.revisionId)
    if (revision === undefined)
      throw new HelixError('invalid_request', 'revisionId: not a revision of this task', {
        fields: { revisionId: 'not a revision of this task' },
      })
    if (body.anchor !== null) {
      const documents = await readDocuments(context, tasks, task, revision)
      const found = documents[body.anchor.document]?.includes(body.anchor.quote)
      if (!found)
        throw new HelixError('invalid_request', 'anchor.quote: the document of this revision does not hold this text', {
          fields: { 'anchor.quote': 'not in the document' },
        })
    }
    const id = await context.db.transaction(async (trx) => {
      const made = await store.insertComment(trx, actor.orgId, {
        ...body,
        taskId: task.id,
        authorName: actor.userName,
        authorId: actor.userId,
      })
      await appendEvent(trx, actor.orgId, { type: 'spec.commented', projectId: task.project_id, taskId: task.id })
      return made
    })
    context.bus.wake(actor.orgId)
    return store.getComment(actor.orgId, id)
  })
  mount(router, context, resolveComment, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    await context.db.transaction(async (trx) => {
      if (!(await store.setResolved(trx, actor.orgId, task.id, params.commentId, body.resolved))) throw new HelixError('not_found')
      await appendEvent(trx, actor.orgId, { type: 'spec.commented', projectId: task.project_id, taskId: task.id })
    })
    context.bus.wake(actor.orgId)
    return store.getComment(actor.orgId, params.commentId)
  })
  return router
}
