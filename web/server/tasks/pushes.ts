import type { UserId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { GitPort } from '../git/port.ts'
import type { PushListener, RecordedPush } from '../git/push-log.ts'
import { approvalsAreVoid } from '../inbox/concern.ts'
import { enqueue } from '../outbox/store.ts'
import { voidApprovals } from '../reviews/decisions.ts'
import { progressOf } from './progress.ts'
import { specFolderOfRow, type TaskRow } from './store.ts'

type Git = Pick<GitPort, 'readFile'>

const specsRef = 'refs/heads/helix-specs'

type TouchedRow = Pick<TaskRow, 'id' | 'project_id' | 'number' | 'slug' | 'status' | 'step'>

/**
 * The tasks of projects over this repository, locked in the order of ids until the push is recorded: an approval that runs at the same moment is
 * written before the push, or sees it. `position` 0: only where it is the first repository, which holds the specs.
 */
async function lockTasks(trx: Knex, push: RecordedPush, narrow: (query: Knex.QueryBuilder) => void): Promise<TouchedRow[]> {
  return trx('spec_tasks')
    .join('project_repositories as p', 'p.project_id', 'spec_tasks.project_id')
    .where({ 'spec_tasks.org_id': push.orgId, 'p.repository_id': push.repositoryId })
    .modify(narrow)
    .orderBy('spec_tasks.id')
    .forKeyShare('spec_tasks')
    .select('spec_tasks.id', 'spec_tasks.project_id', 'number', 'slug', 'status', 'step')
}

/** The number of the new revision; null when this commit is one already. */
async function addRevision(trx: Knex, push: RecordedPush, task: TouchedRow): Promise<number | null> {
  const newest = await trx('spec_revisions').where({ task_id: task.id }).max('number as number').first()
  const number = (newest?.number ?? 0) + 1
  const row = { id: newId('revision'), org_id: push.orgId, task_id: task.id, number, commit: push.newCommit, push_id: push.id }
  const written = await trx('spec_revisions').insert(row).onConflict(['task_id', 'commit']).ignore().returning('id')
  return written.length === 0 ? null : number
}

interface Revised {
  task: TouchedRow
  revision: number
  /** What the card says now; null where it says what it did. */
  activity: string | null
  /** Whose approvals count no more: they are asked again. */
  askedAgain: UserId[]
}

async function tellSpec(trx: Knex, push: RecordedPush, revised: Revised[]): Promise<void> {
  for (const { task } of revised)
    await enqueue(trx, push.orgId, { kind: 'signalTask', taskId: task.id, signal: 'pushed', payload: { pushId: push.id, what: 'spec' } })
  for (const { task, revision, activity, askedAgain } of revised) {
    const about = { projectId: task.project_id, taskId: task.id }
    await appendEvent(trx, push.orgId, { type: 'spec.revised', ...about, revision })
    if (activity !== null) await appendEvent(trx, push.orgId, { type: 'task.activity', ...about, activity })
    for (const userId of askedAgain) await appendEvent(trx, push.orgId, { type: 'inbox.changed', projectId: task.project_id, userId })
  }
}

/** A spec in review that changed is approved by nobody any more: those who had are asked again, and the card says why. */
async function reviewAgain(trx: Knex, task: TouchedRow, revision: number): Promise<Pick<Revised, 'activity' | 'askedAgain'>> {
  const askedAgain = task.status === 'spec_review' ? await voidApprovals(trx, task.id, `Revision ${revision} came`) : []
  if (askedAgain.length === 0) return { activity: null, askedAgain }
  const activity = `The spec waits for your review: revision ${revision} is new`
  await trx('spec_tasks').where({ id: task.id }).update({ activity })
  await approvalsAreVoid(trx, task.id, askedAgain, `Revision ${revision} came: what was approved before does not count any more.`)
  return { activity, askedAgain }
}

/** Documents that say what is to be built. What the agent ticks off in the tasks changes nothing about what was approved. */
const binding = ['requirements', 'design'] as const
const before = ['backlog', 'queued_planning', 'planning', 'spec_review']

/** An approval is of what was read: after the review it ends when the requirements or the design come to say something else. */
async function endApproval(trx: Knex, git: Git, push: RecordedPush, task: TouchedRow, revision: number): Promise<void> {
  if (before.includes(task.status)) return
  const approved = await trx('spec_reviews').where({ task_id: task.id, verdict: 'approved', voided_at: null }).first('commit')
  if (approved === undefined) return
  const text = (commit: string, name: string) => git.readFile(push, commit, `${specFolderOfRow(task)}/${name}.md`)
  const changed: string[] = []
  for (const name of binding) if ((await text(approved.commit, name)) !== (await text(push.newCommit ?? '', name))) changed.push(name)
  if (changed.length > 0)
    await voidApprovals(trx, task.id, `Revision ${revision} changed the ${changed.join(' and the ')} after the approval`)
}

async function tellCode(trx: Knex, push: RecordedPush, tasks: TouchedRow[]): Promise<void> {
  for (const { id } of tasks)
    await enqueue(trx, push.orgId, { kind: 'signalTask', taskId: id, signal: 'pushed', payload: { pushId: push.id, what: 'code' } })
  for (const { id, project_id, status, step } of tasks)
    await appendEvent(trx, push.orgId, { type: 'task.changed', projectId: project_id, taskId: id, status, step })
}

/** The tasks whose spec folder has one of these paths in it. */
async function lockTasksOf(trx: Knex, push: RecordedPush, paths: string[]): Promise<TouchedRow[]> {
  const folders = new Set(paths.map((path) => path.split('/').slice(0, 3).join('/')))
  const numbers = [...folders]
    .flatMap((folder) => Number(/^design\/tasks\/(\d{6,9})_/.exec(folder)?.[1] ?? Number.NaN))
    .filter(Number.isSafeInteger)
  if (numbers.length === 0) return []
  const tasks = await lockTasks(trx, push, (query) => query.andWhere({ 'p.position': 0 }).whereIn('number', numbers))
  return tasks.filter((task) => folders.has(specFolderOfRow(task)))
}

/**
 * What a push means to tasks, in the push's own transaction: one revision and the progress of each task whose spec folder it changed, and a signal
 * for the task whose working branch it moved. Rows come first and events last: whoever holds the event log's lock waits for no row.
 */
export function taskPushListener(git: Git): PushListener {
  return async (trx, push, changedPaths) => {
    if (push.newCommit === null) return
    if (push.ref !== specsRef) {
      const branch = push.ref.replace(/^refs\/heads\//, '')
      return tellCode(trx, push, await lockTasks(trx, push, (query) => query.andWhere({ branch })))
    }
    const revised: Revised[] = []
    for (const task of await lockTasksOf(trx, push, changedPaths)) {
      const revision = await addRevision(trx, push, task)
      if (revision === null) continue
      const tasks = await git.readFile(push, push.newCommit, `${specFolderOfRow(task)}/tasks.md`)
      const progress = progressOf(tasks ?? '')
      await trx('spec_tasks')
        .where({ id: task.id })
        .update({ progress_done: progress?.done ?? null, progress_total: progress?.total ?? null })
      await endApproval(trx, git, push, task, revision)
      revised.push({ task, revision, ...(await reviewAgain(trx, task, revision)) })
    }
    await tellSpec(trx, push, revised)
  }
}
