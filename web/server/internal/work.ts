import { protectedBy } from '@helix/contract/branches'
import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { PromptId, SessionId, TaskId } from '@helix/contract/ids'
import type { assessTask, mergeTask, preparePrompt } from '@helix/contract/internal'
import { specDocuments } from '@helix/contract/reviews'
import type { Knex } from 'knex'
import { CodeCommentStore } from '../code-comments/store.ts'
import { type Context, newId } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { ProjectStore } from '../projects/store.ts'
import { readDocuments } from '../reviews/documents.ts'
import { ExtrasStore } from '../tasks/extras/store.ts'
import { progressOf } from '../tasks/progress.ts'
import { baseBranchIn, type ProjectRepository, specFolderOfRow, type TaskRow, TaskStore } from '../tasks/store.ts'
import { composePrompt, type PromptFacts } from './prompts.ts'

export async function getTaskRow(db: Knex, taskId: TaskId): Promise<TaskRow> {
  const row = await db('spec_tasks').where({ id: taskId }).first()
  if (row === undefined) throw new HelixError('not_found')
  return row
}

/**
 * The task's session; the unique task_id makes it one, whoever asks first. It is not ready while it still runs: then it is about to be stopped, and
 * what it were given now would end with it.
 */
export async function openSessionFor(db: Knex, taskId: TaskId): Promise<{ sessionId: SessionId; ready: boolean }> {
  return db.transaction(async (trx) => {
    const task = await getTaskRow(trx, taskId)
    const row = {
      id: newId('session'),
      org_id: task.org_id,
      project_id: task.project_id,
      task_id: taskId,
      state: 'queued',
      agent_runtime: task.agent_runtime,
      demo: task.demo,
      started_by: task.created_by,
    }
    await trx('agent_sessions').insert(row).onConflict('task_id').ignore()
    const session = await trx('agent_sessions').where({ task_id: taskId }).first('id', 'state')
    // A task that comes back from the archive wakes its session again; volume or not, the branch is on the server.
    if (session.state === 'stopped')
      await trx('agent_sessions').where({ id: session.id }).update({ state: 'queued', reason: null, life_started_at: null })
    await trx('spec_tasks').where({ id: taskId }).update({ session_id: session.id })
    await appendEvent(trx, task.org_id, {
      type: 'session.changed',
      projectId: task.project_id,
      sessionId: session.id,
      taskId,
      state: 'queued',
    })
    return { sessionId: session.id, ready: session.state === 'stopped' || session.state === 'queued' }
  })
}

async function openComments(db: Knex, task: TaskRow): Promise<PromptFacts['comments']> {
  const rows = await db('spec_comments')
    .where({ task_id: task.id, parent_id: null })
    .whereNull('resolved_at')
    .whereNull('sent_at')
    .orderBy('created_at')
  return rows.map((row) => ({
    document: row.anchor?.document ?? null,
    quote: row.anchor?.quote ?? null,
    body: row.body,
    author: row.author_name,
  }))
}

/** Why the spec before this one was rejected; null where none was. */
async function lastRejection(db: Knex, task: TaskRow): Promise<string | null> {
  const row = await db('spec_reviews').where({ task_id: task.id }).orderBy('created_at', 'desc').first('verdict', 'note')
  return row?.verdict === 'rejected' ? row.note : null
}

/** One prompt per key: the key's row holds the id that the first call made. */
export async function preparePromptFor(
  context: Context,
  taskId: TaskId,
  { key, kind, note }: BodyOf<typeof preparePrompt>,
): Promise<PromptId> {
  const { db } = context
  const code = new CodeCommentStore(db)
  const repositories = await new TaskStore(db).repositoriesOf(
    (await getTaskRow(db, taskId)).org_id,
    (await getTaskRow(db, taskId)).project_id,
  )
  return db.transaction(async (trx) => {
    const task = (await trx('spec_tasks').where({ id: taskId }).forUpdate().first()) as TaskRow
    const where = { org_id: task.org_id, scope: 'prompt', key }
    const known = await trx('idempotency_keys').where(where).first('answer')
    if (known?.answer != null) return known.answer.promptId
    const comments = kind === 'revise_spec' ? await openComments(trx, task) : []
    const project = await trx('projects').where({ id: task.project_id }).first('guidelines')
    const codeComments = kind === 'revise_implementation' ? await code.open(trx, task.org_id, taskId) : []
    const files = await new ExtrasStore(trx).attachments(task.org_id, task.id)
    const attachments = files.map(({ name, type, url }) => ({ name, type, url: `${context.config.sessionUrl}${url}` }))
    const rejected = kind === 'plan' ? await lastRejection(trx, task) : null
    const text = composePrompt(kind, {
      task,
      repositories,
      note: note ?? rejected,
      comments,
      codeComments,
      attachments,
      guidelines: project.guidelines,
    })
    const promptId = newId('prompt')
    await trx('prompts').insert({
      id: promptId,
      org_id: task.org_id,
      session_id: task.session_id,
      task_id: taskId,
      kind,
      text,
      state: 'queued',
    })
    if (kind === 'revise_spec')
      await trx('spec_comments').where({ task_id: taskId }).whereNull('resolved_at').whereNull('sent_at').update({ sent_at: trx.fn.now() })
    await code.markSent(
      trx,
      task.org_id,
      taskId,
      codeComments.map(({ id }) => id),
    )
    await trx('idempotency_keys').insert({ ...where, request_hash: kind, answer: JSON.stringify({ promptId }) })
    return promptId
  })
}

async function flushAll(
  context: Context,
  task: TaskRow,
): Promise<{ id: string; key: { orgId: TaskRow['org_id']; repositoryId: never } }[]> {
  const repositories = await new TaskStore(context.db).repositoriesOf(task.org_id, task.project_id)
  const keys = repositories.map(({ id }) => ({ id, key: { orgId: task.org_id, repositoryId: id as never } }))
  for (const { key } of keys) await context.pushes.flush(key)
  return keys
}

async function assessSpec(context: Context, task: TaskRow, sincePromptId: PromptId | null): Promise<ResponseOf<typeof assessTask>> {
  const store = new TaskStore(context.db)
  const revision = await store.newestRevision(task.org_id, task.id)
  const folder = specFolderOfRow(task)
  if (revision === null) return { complete: false, missing: `Nothing was pushed to ${folder} on the branch helix-specs.`, commit: null }
  const documents = await readDocuments(context, store, task, revision)
  const progress = progressOf(documents.tasks ?? '')
  await context
    .db('spec_tasks')
    .where({ id: task.id })
    .update({ progress_done: progress?.done ?? null, progress_total: progress?.total ?? null })
  const absent = specDocuments.filter((name) => (documents[name] ?? '').trim() === '')
  if (absent.length > 0)
    return {
      complete: false,
      missing: `${absent.map((name) => `${folder}/${name}.md`).join(', ')} missing or empty at the newest push.`,
      commit: revision.commit,
    }
  const prompt = sincePromptId === null ? undefined : await context.db('prompts').where({ id: sincePromptId }).first('kind', 'queued_at')
  const newer = prompt === undefined || revision.createdAt.getTime() >= prompt.queued_at.getTime()
  if (prompt?.kind === 'revise_spec' && !newer)
    return { complete: false, missing: 'No new revision was pushed since the review.', commit: revision.commit }
  return { complete: true, missing: null, commit: revision.commit }
}

/** After a turn: is what the phase must bring there? Looks at what git has, not at what the agent says. */
export async function assess(
  context: Context,
  taskId: TaskId,
  { phase, sincePromptId }: BodyOf<typeof assessTask>,
): Promise<ResponseOf<typeof assessTask>> {
  const task = await getTaskRow(context.db, taskId)
  const repositories = await flushAll(context, task)
  if (phase === 'planning') return assessSpec(context, task, sincePromptId)
  if (!task.just_do_it) await assessSpec(context, task, null)
  for (const { key } of repositories) {
    const commit = await context.git.resolveCommit(key, `refs/heads/${task.branch}`)
    const ahead = commit === null ? 0 : await context.git.countAhead(key, `refs/heads/${task.base_branch}`, commit)
    if (ahead > 0) return { complete: true, missing: null, commit }
  }
  return {
    complete: false,
    missing: `The branch ${task.branch} has no commit that ${task.base_branch} does not have: commit the change and push it.`,
    commit: null,
  }
}

/** Why the project's settings refuse the merge, of any of the repositories that it would change; null when they do not. */
async function protectedBase(context: Context, task: TaskRow, repositories: ProjectRepository[]): Promise<string | null> {
  const patterns = await new ProjectStore(context.db).protectedBranches(task.org_id, task.project_id)
  for (const [position, repository] of repositories.entries()) {
    const base = baseBranchIn(task, repository, position)
    const pattern = protectedBy(patterns, base)
    if (pattern === null) continue
    const key = { orgId: task.org_id, repositoryId: repository.id }
    if (position > 0 && (await context.git.resolveCommit(key, `refs/heads/${task.branch}`)) === null) continue
    return `${base} of ${repository.name} is protected by "${pattern}": the project's settings let no task be merged into it.`
  }
  return null
}

/** Merges every repository where the branch is ahead. A merge that happened is found by its trailer. */
export async function merge(
  context: Context,
  taskId: TaskId,
  { commit, approvedById }: BodyOf<typeof mergeTask>,
): Promise<ResponseOf<typeof mergeTask>> {
  const task = await getTaskRow(context.db, taskId)
  const person = await context
    .db('users')
    .where({ id: approvedById ?? task.created_by })
    .first('id', 'name', 'email')
  const store = new TaskStore(context.db)
  const repositories = await store.repositoriesOf(task.org_id, task.project_id)
  const refusal = await protectedBase(context, task, repositories)
  if (refusal !== null) return { outcome: 'failed', reason: refusal }
  let merged: string | null = null
  for (const [index, { id, defaultBranch }] of repositories.entries()) {
    const key = { orgId: task.org_id, repositoryId: id }
    const head = index === 0 ? commit : await context.git.resolveCommit(key, `refs/heads/${task.branch}`)
    if (head === null) continue
    const result = await context.git.mergeBranch(key, {
      baseRef: `refs/heads/${index === 0 ? task.base_branch : defaultBranch}`,
      head,
      message: `Merge #${task.number} ${task.title}`,
      trailer: { key: 'Helix-Task', value: task.id },
      author: { name: person.name, email: person.email },
      userId: person.id,
    })
    if (result.outcome !== 'merged') return result
    merged ??= result.commit
  }
  return merged === null ? { outcome: 'failed', reason: 'There is nothing to merge.' } : { outcome: 'merged', commit: merged }
}
