import * as internal from '@helix/contract/internal'
import { wellFormedJson } from '@helix/contract/text'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { RequestStore } from '../conversation/requests.ts'
import { appendEvent } from '../events/store.ts'
import { mount as mountAny } from '../http/mount.ts'
import { placeEarly } from '../placement/early.ts'
import { place } from '../placement/place.ts'
import { remindOfReview } from '../reviews/reminders.ts'
import { type TaskRow, TaskStore } from '../tasks/store.ts'
import { locate, writeState, writeTurn } from './sessions.ts'
import { claimPlace, releasePlace } from './slots.ts'
import { writeStep } from './steps.ts'
import { assess, getTaskRow, merge, openSessionFor, preparePromptFor } from './work.ts'

/** Units: milliseconds. A turn of a real agent may take long; it shows life by its own activity. */
const workDeadlineMs = 2 * 60 * 60_000

function snapshotOf(row: TaskRow) {
  return {
    taskId: row.id,
    orgId: row.org_id,
    projectId: row.project_id,
    status: row.status,
    failedFrom: row.failed_from,
    step: row.step,
    justDoIt: row.just_do_it,
    sessionId: row.session_id,
    mergedCommit: row.merged_commit,
    archivedFrom: row.archived_from === null ? null : { status: row.archived_from.status, failedFrom: row.archived_from.failedFrom },
    workDeadlineMs,
  }
}

/** What agents said travels in these bodies too (failures, reasons): Postgres would refuse NUL and lone surrogates each time it is tried. */
const mount: typeof mountAny = (router, context, endpoint, handler) =>
  mountAny(router, context, endpoint, (call) => handler({ ...call, body: wellFormedJson(call.body) }))

/** What workers ask, one endpoint per activity. All of it may arrive twice. */
export function internalRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const tasks = new TaskStore(db)
  /** After a commit: browsers and the outbox learn of it. */
  const told = async <T>(taskId: TaskRow['id'], result: T): Promise<T> => {
    context.bus.wake((await getTaskRow(db, taskId)).org_id)
    context.outbox.nudge()
    return result
  }

  mount(router, context, internal.loadTask, async ({ params }) => {
    const row = await getTaskRow(db, params.taskId)
    const waitsForPerson = row.session_id !== null && (await RequestStore.waiting(db, row.session_id))
    return { ...snapshotOf(row), waitsForPerson }
  })
  mount(router, context, internal.recordStep, async ({ params, body }) =>
    told(params.taskId, await db.transaction((trx) => writeStep(trx, params.taskId, body))),
  )
  mount(router, context, internal.setActivity, async ({ params, body }) => {
    const row = await getTaskRow(db, params.taskId)
    await db.transaction(async (trx) => {
      if (await tasks.setActivity(trx, row.id, body.step, body.activity))
        await appendEvent(trx, row.org_id, { type: 'task.activity', projectId: row.project_id, taskId: row.id, activity: body.activity })
    })
    return told(row.id, {})
  })
  mount(router, context, internal.claimSlot, async ({ params, body }) =>
    told(params.taskId, await db.transaction((trx) => claimPlace(trx, params.taskId, body.phase, body.force))),
  )
  mount(router, context, internal.remindReviewers, async ({ params, body }) =>
    told(params.taskId, await db.transaction((trx) => remindOfReview(trx, params.taskId, body))),
  )
  mount(router, context, internal.releaseSlot, async ({ params }) => {
    await db.transaction((trx) => releasePlace(trx, params.taskId))
    return told(params.taskId, {})
  })
  mount(router, context, internal.openSession, async ({ params }) => told(params.taskId, await openSessionFor(db, params.taskId)))
  mount(router, context, internal.preparePrompt, async ({ params, body }) => {
    const promptId = await preparePromptFor(context, params.taskId, body)
    const { session_id: sessionId } = await getTaskRow(db, params.taskId)
    if (sessionId !== null) await placeEarly(context, sessionId)
    return { promptId }
  })
  mount(router, context, internal.assessTask, async ({ params, body }) => assess(context, params.taskId, body))
  mount(router, context, internal.mergeTask, async ({ params, body }) => merge(context, params.taskId, body))
  mount(router, context, internal.locateSession, async ({ params }) => locate(context, params.sessionId))
  mount(router, context, internal.placeSession, async ({ params }) => place(context, params.sessionId))
  mount(router, context, internal.recordSession, async ({ params, body }) => {
    await writeState(context, params.sessionId, body)
    return {}
  })
  mount(router, context, internal.recordTurn, async ({ params, body }) => writeTurn(context, params.sessionId, body))
  return router
}
