import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, TaskId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import * as contract from '@helix/contract/reviews'
import { Router } from 'express'
import { peopleOnProject } from '../access/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { reviewersChanged } from '../inbox/concern.ts'
import { type TaskRow, TaskStore } from '../tasks/store.ts'
import { approvalProblem, approvalsOf, decidedCommit } from './decisions.ts'
import { readDocuments } from './documents.ts'
import { mentioned, mentionsHandled, mentionsIn } from './mentions.ts'
import { askInThread } from './questions.ts'
import { withLineFeeds } from './reanchor.ts'
import { ReviewStore, type StoredComment } from './store.ts'
import { applySuggestions } from './suggestions.ts'
import { commentFor, mayResolve, placesIn } from './threads.ts'

const wrong = (field: string, message: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })

const noDocuments = { requirements: null, design: null, tasks: null }

/** Specs as they are reviewed: revisions, threads, who reviews. Decisions are moves of the task: see `tasks/routes.ts`. */
export function reviewRoutes(context: Context): Router {
  const router = Router()
  const { db, bus } = context
  const store = new ReviewStore(db)
  const tasks = new TaskStore(db)

  const getRow = async (orgId: OrgId, taskId: TaskId): Promise<TaskRow> => {
    const row = await tasks.find(orgId, taskId)
    if (row === null) throw new HelixError('not_found')
    return row
  }
  /** One comment as its reader sees it, in the revision that it was written on. */
  const shown = async (actor: Actor, task: TaskRow, comment: StoredComment): Promise<contract.Comment> => {
    const { reviewers } = await store.reviewers(task.org_id, task.id)
    const revision = (await store.revisions(task.org_id, task.id)).find(({ id }) => id === comment.revisionId)
    const places = revision === undefined ? null : await placesIn({ context, store, tasks, task }, [comment], revision)
    return commentFor(comment, { place: places?.get(comment.id) ?? null, reader: actor, reviewers })
  }
  const getThread = async (task: TaskRow, id: StoredComment['id']): Promise<StoredComment> => {
    const comment = await store.findComment(task.org_id, task.id, id)
    if (comment === null) throw new HelixError('not_found')
    if (comment.parentId === null) return comment
    return getThread(task, comment.parentId)
  }

  mount(router, context, contract.getSpec, async ({ actor, params, query }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const { orgId } = actor
    const revisions = await store.revisions(orgId, task.id)
    const [newest] = revisions
    const revision = query.revision === undefined ? newest : revisions.find(({ number }) => number === query.revision)
    if (query.revision !== undefined && revision === undefined) throw new HelixError('not_found', `There is no revision ${query.revision}.`)
    const comments = await store.commentsOf(orgId, task.id)
    const places = revision === undefined ? new Map() : await placesIn({ context, store, tasks, task }, comments, revision)
    const { reviewers, chosen } = await store.reviewers(orgId, task.id)
    const decided = newest === undefined ? null : await decidedCommit(db, task, newest.commit)
    const { by, needed } = decided === null ? { by: [], needed: 1 } : await approvalsOf(db, task, decided)
    return {
      revisions,
      revision: revision ?? null,
      documents: revision === undefined ? noDocuments : await readDocuments(context, tasks, task, revision),
      comments: comments.map((one) => commentFor(one, { place: places.get(one.id) ?? null, reader: actor, reviewers })),
      questions: await store.questions(orgId, task.id),
      reviews: await store.reviews(orgId, task.id),
      approvals: { by: await store.names(orgId, by), needed, problem: await approvalProblem(db, task, actor.userId, 'spec') },
      reviewers,
      reviewersChosen: chosen,
      rules: await store.rules(orgId, task.project_id),
    }
  })
  mount(router, context, contract.createComment, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    await checkComment(task, body)
    const people = await named(task)
    const id = await db.transaction(async (trx) => {
      const about = { taskId: task.id, authorName: actor.userName, authorId: actor.userId }
      const made = await store.insertComment(trx, actor.orgId, { ...body, ...about })
      const mention = {
        orgId: actor.orgId,
        projectId: task.project_id,
        taskId: task.id,
        commentId: made,
        by: actor.userName,
        text: body.body,
      }
      for (const person of mentionsIn(body.body, people)) if (person.id !== actor.userId) await mentioned(trx, person.id, mention)
      if (body.parentId !== null) {
        const { orgId, userId } = actor
        await mentionsHandled(trx, { orgId, threadId: body.parentId, userId }, { userId, reason: 'Answered' })
      }
      await appendEvent(trx, actor.orgId, { type: 'spec.commented', projectId: task.project_id, taskId: task.id })
      return made
    })
    bus.wake(actor.orgId)
    context.pings.nudge()
    const made = await store.findComment(actor.orgId, task.id, id)
    if (made === null) throw new HelixError('not_found')
    return shown(actor, task, made)
  })
  const named = async (task: TaskRow) => {
    const people = await peopleOnProject(db, task.org_id, task.project_id)
    return (await store.names(task.org_id, [...people.keys()])).map((person) => ({
      ...person,
      role: people.get(person.id) ?? ('viewer' as const),
    }))
  }
  const checkComment = async (task: TaskRow, body: BodyOf<typeof contract.createComment>): Promise<void> => {
    const revision = (await store.revisions(task.org_id, task.id)).find(({ id }) => id === body.revisionId)
    if (revision === undefined) throw wrong('revisionId', 'not a revision of this task')
    if (body.body.trim() === '' && body.suggestion === null) throw wrong('body', 'say something')
    if (body.parentId !== null) {
      const parent = await store.findComment(task.org_id, task.id, body.parentId)
      if (parent === null || parent.parentId !== null) throw wrong('parentId', 'not the first comment of a thread of this task')
      if (body.anchor !== null || body.suggestion !== null) throw wrong('anchor', 'a reply stands where its thread does')
    }
    if (body.suggestion !== null && body.anchor === null) throw wrong('suggestion', 'select the text that it replaces')
    if (body.anchor === null) return
    const text = withLineFeeds((await readDocuments(context, tasks, task, revision))[body.anchor.document] ?? '')
    if (!text.includes(body.anchor.quote)) throw wrong('anchor.quote', 'the document of this revision does not hold this text')
  }
  mount(router, context, contract.askAgent, async ({ actor, params }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const thread = await getThread(task, params.commentId)
    const all = (await store.commentsOf(actor.orgId, task.id)).filter(({ id, parentId }) => id === thread.id || parentId === thread.id)
    const said = all.map(({ author, body, suggestion }) => ({
      author: author.kind === 'agent' ? 'You' : author.name,
      body: suggestion === null ? body : `${body}\n(suggests instead: ${suggestion})`,
    }))
    const { anchor } = thread
    const asked = {
      id: thread.id,
      latestId: all.at(-1)?.id ?? thread.id,
      document: anchor?.document ?? null,
      quote: anchor?.quote ?? null,
      said,
    }
    const promptId = await db.transaction((trx) => askInThread(trx, task, asked, actor.userId))
    bus.wake(actor.orgId)
    context.outbox.nudge()
    const question = (await store.questions(actor.orgId, task.id)).find((one) => one.promptId === promptId)
    if (question === undefined) throw new HelixError('not_found')
    return question
  })
  mount(router, context, contract.resolveComment, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const comment = await store.findComment(actor.orgId, task.id, params.commentId)
    if (comment === null) throw new HelixError('not_found')
    if (comment.parentId !== null) throw new HelixError('conflict', 'A thread is resolved as a whole: resolve its first comment.')
    const { reviewers } = await store.reviewers(actor.orgId, task.id)
    if (!mayResolve(comment, actor, reviewers))
      throw new HelixError('forbidden', `Only ${comment.author.name} and the reviewers of this task resolve this thread.`)
    await db.transaction(async (trx) => {
      if (!(await store.setResolved(trx, actor.orgId, comment.id, body.resolved, actor.userName))) return
      const by = { userId: actor.userId, reason: 'Resolved' }
      if (body.resolved) await mentionsHandled(trx, { orgId: actor.orgId, threadId: comment.id }, by)
      await appendEvent(trx, actor.orgId, { type: 'spec.commented', projectId: task.project_id, taskId: task.id })
    })
    bus.wake(actor.orgId)
    return shown(actor, task, (await store.findComment(actor.orgId, task.id, comment.id)) ?? comment)
  })
  mount(router, context, contract.applySuggestions, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    return { revision: await applySuggestions({ context, store, tasks, task, actor }, body) }
  })
  mount(router, context, contract.listTaskPeople, async ({ actor, params }) => {
    const people = await named(await getRow(actor.orgId, params.taskId))
    return { items: people.map(({ id, name, role }) => ({ id, name, mayReview: roleGrants(role, 'task:review') })) }
  })
  mount(router, context, contract.setReviewers, async ({ actor, params, body }) => {
    const task = await getRow(actor.orgId, params.taskId)
    const able = new Set((await named(task)).filter(({ role }) => roleGrants(role, 'task:review')).map(({ id }) => id))
    const unable = body.userIds?.find((id) => !able.has(id))
    if (unable !== undefined) throw wrong('userIds', `${unable} may not review this task`)
    await db.transaction(async (trx) => {
      await store.setReviewers(trx, actor.orgId, task.id, body.userIds)
      await reviewersChanged(trx, { orgId: actor.orgId, projectId: task.project_id, taskId: task.id })
      await appendEvent(trx, actor.orgId, { type: 'spec.reviewed', projectId: task.project_id, taskId: task.id })
    })
    bus.wake(actor.orgId)
    context.pings.nudge()
    return store.reviewers(actor.orgId, task.id)
  })
  return router
}
