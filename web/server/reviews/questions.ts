import { HelixError } from '@helix/contract/errors'
import type { CommentId, OrgId, ProjectId, PromptId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { JournalEntry } from '@helix/contract/sessions'
import type { Knex } from 'knex'
import { newId } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { enqueue } from '../outbox/store.ts'
import type { TaskRow } from '../tasks/store.ts'
import { composeQuestion } from './wording.ts'

const resting = ['backlog', 'merged', 'archived']

interface QuestionRow {
  prompt_id: PromptId
  org_id: OrgId
  task_id: TaskId
  project_id: ProjectId
  comment_id: CommentId
  session_id: SessionId
}

/** Puts a thread to the agent: the prompt, who waits for it and the signal are one transaction, so that a question is sent once. */
export async function askInThread(
  trx: Knex,
  task: TaskRow,
  thread: { id: CommentId; latestId: CommentId; document: string | null; quote: string | null; said: { author: string; body: string }[] },
  askedBy: UserId,
): Promise<PromptId> {
  const row = await trx('spec_tasks').where({ id: task.id }).forUpdate().first('status', 'session_id')
  if (row.session_id === null) throw new HelixError('conflict', 'The task has no agent yet: start it first.')
  if (resting.includes(row.status)) throw new HelixError('conflict', `The agent of a task that is ${row.status} answers no questions.`)
  const waiting = await trx('spec_questions').where({ comment_id: thread.id, state: 'waiting' }).first('prompt_id')
  if (waiting !== undefined) throw new HelixError('conflict', 'The agent has this thread already and has not answered yet.')
  const repository = await trx('project_repositories as p')
    .join('repositories as r', 'r.id', 'p.repository_id')
    .where({ 'p.project_id': task.project_id })
    .orderBy('p.position')
    .first('r.name')
  const id = newId('prompt')
  const about = { org_id: task.org_id, task_id: task.id, session_id: row.session_id }
  const text = composeQuestion({ ...task, status: row.status }, repository?.name ?? '', thread)
  await trx('prompts').insert({ id, ...about, kind: 'answer_comment', author_id: askedBy, text, mode: 'queue', state: 'queued' })
  await trx('spec_questions').insert({ prompt_id: id, ...about, comment_id: thread.id, asked_id: thread.latestId })
  const payload = { promptId: id, mode: 'queue' }
  await enqueue(trx, task.org_id, { kind: 'signalTask', taskId: task.id, signal: 'personPrompt', payload })
  await appendEvent(trx, task.org_id, { type: 'spec.commented', projectId: task.project_id, taskId: task.id })
  return id
}

/** What the agent said last in the turn of a prompt; null while the journal has not come to the turn's end. */
async function lastWords(
  trx: Knex,
  { session_id, prompt_id }: QuestionRow,
): Promise<{ text: string; outcome: string; message: string | null } | null> {
  const of = (kind: string) =>
    trx('session_entries')
      .where({ session_id })
      .andWhereRaw("payload->>'kind' = ? and payload->>'promptId' = ?", [kind, prompt_id])
      .orderBy('sequence', 'desc')
      .first('sequence', 'payload')
  const [begun, ended] = [await of('prompt'), await of('turn_end')]
  const stored = await trx('agent_sessions').where({ id: session_id }).first('journal_upto')
  // Entries before it may still be on their way.
  if (ended === undefined || ended.sequence > stored.journal_upto) return null
  const rows: { payload: JournalEntry['payload'] }[] = await trx('session_entries')
    .where({ session_id })
    .andWhere('sequence', '<', ended.sequence)
    .andWhere('sequence', '>', begun?.sequence ?? ended.sequence)
    .andWhereRaw("payload->>'kind' = 'chunk' and payload->>'role' = 'agent'")
    .orderBy('sequence')
    .select('payload')
  const chunks = rows.flatMap(({ payload }) => (payload.kind === 'chunk' ? payload : []))
  const last = chunks.at(-1)?.messageId
  const text = chunks
    .filter(({ messageId }) => messageId === last)
    .map((chunk) => chunk.text)
    .join('')
    .trim()
  return { text, outcome: ended.payload.outcome, message: ended.payload.message }
}

const problems: Record<string, string> = {
  cancelled: 'The turn was stopped before the agent answered.',
  refusal: 'The agent refused to answer.',
  error: 'The agent failed.',
}

/** Ends one question: with the agent's reply in its thread, or with why there is none. Nothing while the turn may still bring words. */
async function settle(trx: Knex, question: QuestionRow): Promise<boolean> {
  const prompt = await trx('prompts').where({ id: question.prompt_id }).first('state', 'outcome')
  const words = await lastWords(trx, question)
  const lost = prompt?.state === 'failed' || (prompt?.state === 'ended' && prompt.outcome === 'cancelled')
  if (words === null && !lost) return false
  const failed = words === null || words.outcome === 'cancelled' || words.outcome === 'error' || words.text === ''
  const outcome = words?.outcome ?? prompt?.outcome ?? 'error'
  const problem = words?.message ?? problems[outcome] ?? (words === null ? prompt?.outcome : 'The agent ended its turn without a word.')
  const done = failed ? { state: 'failed', problem: String(problem).slice(0, 1000) } : { state: 'answered' }
  if ((await trx('spec_questions').where({ prompt_id: question.prompt_id, state: 'waiting' }).update(done)) !== 1) return false
  if (!failed) await insertReply(trx, question, words.text)
  await appendEvent(trx, question.org_id, { type: 'spec.commented', projectId: question.project_id, taskId: question.task_id })
  return true
}

/** The unique prompt makes the reply one, whoever tells of the turn's end. */
async function insertReply(trx: Knex, question: QuestionRow, body: string): Promise<void> {
  const revision = await trx('spec_revisions').where({ task_id: question.task_id }).orderBy('number', 'desc').first('id')
  const reply = { id: newId('comment'), org_id: question.org_id, task_id: question.task_id, revision_id: revision.id }
  await trx('spec_comments')
    .insert({ ...reply, parent_id: question.comment_id, prompt_id: question.prompt_id, body, author_kind: 'agent', author_name: 'Agent' })
    .onConflict('prompt_id')
    .ignore()
}

/** Looks whether questions of a session have come to their end; call it late in what wrote a turn's end or the journal. */
export async function settleQuestions(trx: Knex, sessionId: SessionId): Promise<number> {
  const waiting: QuestionRow[] = await trx('spec_questions as q')
    .join('spec_tasks as t', 't.id', 'q.task_id')
    .where({ 'q.session_id': sessionId, 'q.state': 'waiting' })
    .orderBy('q.created_at')
    .forUpdate('q')
    .select('q.*', 't.project_id')
  let settled = 0
  for (const question of waiting) if (await settle(trx, question)) settled += 1
  return settled
}
