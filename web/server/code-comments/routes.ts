import {
  type CodeComment,
  createCodeComment,
  deleteCodeComment,
  listCodeComments,
  resolveCodeComment,
  sendCodeComments,
} from '@helix/contract/code-comments'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { mount } from '../http/mount.ts'
import { sendToAgent } from '../tasks/prompts.ts'
import { type TaskRow, TaskStore } from '../tasks/store.ts'
import { placeOf } from './place.ts'
import { type CodeCommentId, CodeCommentStore, type StoredComment } from './store.ts'
import { commentsText } from './wording.ts'

export function codeCommentRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const store = new CodeCommentStore(db)
  const tasks = new TaskStore(db)

  const getRow = async (orgId: OrgId, taskId: TaskId): Promise<TaskRow> => {
    const row = await tasks.find(orgId, taskId)
    if (row === null) throw new HelixError('not_found')
    return row
  }
  /** Each file is read once, and only where the branch has moved on since. */
  const placed = async (task: TaskRow, comments: StoredComment[]): Promise<CodeComment[]> => {
    const head = (await tasks.branchHome(task))?.commit ?? null
    const texts = new Map<string, Promise<string | null>>()
    const textOf = ({ repositoryId, path, commit }: StoredComment): Promise<string | null> => {
      if (head === null || commit === head) return Promise.resolve(null)
      const key = `${repositoryId} ${path}`
      const text = texts.get(key) ?? context.git.readFile({ orgId: task.org_id, repositoryId }, head, path)
      texts.set(key, text)
      return text
    }
    return Promise.all(comments.map(async (comment) => ({ ...comment, ...placeOf(comment, head, await textOf(comment)) })))
  }
  const shown = async (task: TaskRow, id: CodeCommentId): Promise<CodeComment> => {
    const found = await store.find(task.org_id, task.id, id)
    const [comment] = found === null ? [] : await placed(task, [found])
    if (comment === undefined) throw new HelixError('not_found')
    return comment
  }
  const changed = async <T>(task: TaskRow, work: (trx: Parameters<Parameters<typeof db.transaction>[0]>[0]) => Promise<T>): Promise<T> => {
    const result = await db.transaction(async (trx) => {
      const made = await work(trx)
      await appendEvent(trx, task.org_id, { type: 'code.commented', projectId: task.project_id, taskId: task.id })
      return made
    })
    context.bus.wake(task.org_id)
    return result
  }

  mount(router, context, listCodeComments, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    return { items: await placed(task, await store.list(actor.orgId, task.id)) }
  })
  mount(router, context, createCodeComment, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const home = await tasks.branchHome(task)
    if (home === null || (await context.git.resolveCommit({ orgId: actor.orgId, repositoryId: home.repositoryId }, body.commit)) === null)
      throw new HelixError('invalid_request', 'commit: not a commit of this task', { fields: { commit: 'not a commit of this task' } })
    const author = { id: actor.userId, name: actor.userName }
    const id = await changed(task, (trx) =>
      store.insert(trx, actor.orgId, { ...body, taskId: task.id, repositoryId: home.repositoryId, author }),
    )
    return shown(task, id)
  })
  // Before the routes with an id in the same place.
  mount(router, context, sendCodeComments, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const wanted = new Set<string>(body.commentIds)
    const comments = (await store.list(actor.orgId, task.id)).filter(({ id }) => wanted.has(id))
    if (comments.length === 0) throw new HelixError('not_found')
    const text = commentsText(comments)
    const { promptId } = await sendToAgent(context, tasks, task, {
      authorId: actor.userId,
      text,
      mode: 'queue',
      attachmentIds: [],
      also: async (trx) => {
        await store.markSent(trx, actor.orgId, task.id, [...wanted])
        await appendEvent(trx, task.org_id, { type: 'code.commented', projectId: task.project_id, taskId: task.id })
      },
    })
    return { promptId }
  })
  mount(router, context, resolveCodeComment, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    await changed(task, async (trx) => {
      if (!(await store.setResolved(trx, actor.orgId, task.id, params.codeCommentId, body.resolved))) throw new HelixError('not_found')
    })
    return shown(task, params.codeCommentId)
  })
  mount(router, context, deleteCodeComment, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const comment = await store.find(actor.orgId, task.id, params.codeCommentId)
    if (comment === null) throw new HelixError('not_found')
    if (comment.author.id !== actor.userId) throw new HelixError('forbidden', `Only ${comment.author.name} may delete this comment.`)
    await changed(task, async (trx) => {
      if (!(await store.delete(trx, actor.orgId, task.id, comment.id, actor.userId)))
        throw new HelixError('conflict', 'The agent was told already: resolve the comment instead.')
    })
    return {}
  })
  return router
}
