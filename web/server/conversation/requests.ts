import type { PermissionRequest } from '@helix/contract/conversation'
import type { FormValues } from '@helix/contract/forms'
import type { HostId, OrgId, PromptId, SessionId, TaskId, UserId } from '@helix/contract/ids'
import type { PermissionAnswer } from '@helix/contract/link'
import type { JournalEntry, JournalPayload } from '@helix/contract/sessions'
import { wellFormedJson } from '@helix/contract/text'
import type { Knex } from 'knex'
import { appendEvent } from '../events/store.ts'
import { raise, settle } from '../inbox/store.ts'
import type { SessionRow } from '../sessions/store.ts'
import type { Talker } from './store.ts'

type Asked = Extract<JournalPayload, { kind: 'permission' }>
type Ended = Extract<JournalPayload, { kind: 'permission_end' }>
type Owner = Pick<SessionRow, 'id' | 'org_id' | 'project_id' | 'task_id'>

// biome-ignore lint/suspicious/noExplicitAny: a row, shaped here
const requestOf = (row: any): PermissionRequest => ({
  id: row.id,
  sessionId: row.session_id,
  taskId: row.task_id,
  title: row.title,
  tool: row.tool,
  options: row.options,
  fields: row.fields,
  state: row.state,
  optionId: row.option_id,
  answeredBy: row.answered_by_name,
  delivered: row.state === 'answered' && row.ended_at !== null,
  createdAt: row.created_at.toISOString(),
})

function tell(trx: Knex, owner: Owner, requestId: string, state: PermissionRequest['state']): Promise<unknown> {
  const { org_id, project_id, id, task_id } = owner
  const about = { projectId: project_id, sessionId: id, taskId: task_id }
  return appendEvent(trx, org_id, { type: 'permission.changed', ...about, requestId, state })
}

const kinds = {
  permission: { kind: 'permission', title: 'The agent asks for permission' },
  question: { kind: 'question', title: 'The agent asks' },
} as const
const askingKinds = ['permission', 'question'] as const

const subjectOf = (sessionId: SessionId, requestId: string): string => `${sessionId}/${requestId}`

async function askPeople(trx: Knex, { id, org_id, project_id, task_id }: Owner, { requestId, title, fields }: Asked): Promise<void> {
  const about = { orgId: org_id, projectId: project_id, taskId: task_id, sessionId: id, subject: subjectOf(id, requestId) }
  const item = fields === undefined ? kinds.permission : kinds.question
  await raise(trx, { ...about, ...item, detail: title })
}

async function begin(trx: Knex, session: SessionRow, { at, payload }: { at: string; payload: Asked }): Promise<void> {
  const asked = wellFormedJson(payload)
  const { requestId, promptId, title, tool, options, fields } = asked
  const row = { session_id: session.id, id: requestId, org_id: session.org_id, task_id: session.task_id, epoch: session.epoch }
  const made = await trx('permission_requests')
    .insert({
      ...row,
      prompt_id: promptId,
      title,
      tool,
      options: JSON.stringify(options),
      created_at: at,
      ...(fields && { fields: JSON.stringify(fields) }),
    })
    .onConflict(['session_id', 'id'])
    .ignore()
    .returning('id')
  if (made.length !== 1) return
  await askPeople(trx, session, asked)
  await tell(trx, session, requestId, 'pending')
}

async function end(trx: Knex, session: SessionRow, { requestId, outcome }: Ended): Promise<void> {
  const rows = trx('permission_requests').where({ session_id: session.id, id: requestId, ended_at: null })
  const state = outcome === 'selected' ? 'answered' : 'void'
  const ended = await rows.update({ ended_at: trx.fn.now(), state }).returning('id')
  if (ended.length !== 1) return
  await settle(trx, session.org_id, { kinds: askingKinds, subject: subjectOf(session.id, requestId) }, { userId: null, reason: 'Ended' })
  await tell(trx, session, requestId, state)
}

/** What new journal entries say of the agent's questions, written where people find it. Entries may come twice. */
export async function followRequests(trx: Knex, session: SessionRow, entries: readonly JournalEntry[]): Promise<void> {
  for (const { at, payload } of entries) {
    if (payload.kind === 'permission') await begin(trx, session, { at, payload })
    else if (payload.kind === 'permission_end') await end(trx, session, payload)
  }
}

/** Nobody can answer these any more: their turn has ended, or the session was started again. */
export async function voidRequests(trx: Knex, owner: Owner, which: { promptId: PromptId } | { beforeEpoch: number }): Promise<void> {
  const rows = trx('permission_requests').where({ session_id: owner.id, state: 'pending' })
  if ('promptId' in which) rows.andWhere({ prompt_id: which.promptId })
  else rows.andWhere('epoch', '<', which.beforeEpoch)
  const ended = await rows.update({ state: 'void', ended_at: trx.fn.now() }).returning('id')
  for (const { id } of ended) {
    await settle(trx, owner.org_id, { kinds: askingKinds, subject: subjectOf(owner.id, id) }, { userId: null, reason: 'The turn ended' })
    await tell(trx, owner, id, 'void')
  }
}

/** Answers that the agents of a host do not have yet. */
export async function undelivered(db: Knex, hostId: HostId): Promise<{ sessionId: SessionId; answer: PermissionAnswer }[]> {
  const rows = await db('permission_requests as r')
    .join('agent_sessions as s', 's.id', 'r.session_id')
    .where({ 's.host_id': hostId, 'r.state': 'answered', 'r.ended_at': null })
    .orderBy('r.answered_at')
    .limit(100)
    .select('r.session_id', 'r.id', 'r.option_id', 'r.answered_by_name', 'r.answer')
  return rows.map((row) => ({
    sessionId: row.session_id,
    answer: { requestId: row.id, optionId: row.option_id, answeredBy: row.answered_by_name, ...(row.answer && { values: row.answer }) },
  }))
}

export class RequestStore {
  private readonly db: Knex

  constructor(db: Knex) {
    this.db = db
  }

  /** Oldest first. */
  async list(orgId: OrgId, whose: Talker, { open }: { open: boolean }): Promise<PermissionRequest[]> {
    const rows = await this.db('permission_requests')
      .where({ ...whose, org_id: orgId })
      .modify((query) => {
        if (open) query.andWhere({ state: 'pending' })
      })
      .orderBy(['created_at', 'id'])
      .limit(500)
    return rows.map(requestOf)
  }

  async waits(orgId: OrgId, taskId: TaskId) {
    const rows = await this.db('permission_requests').where({ org_id: orgId, task_id: taskId }).orderBy(['created_at', 'id']).limit(500)
    return rows.map((row) => ({
      ...requestOf(row),
      requestId: row.id as string,
      askedAt: row.created_at.toISOString() as string,
      endedAt: ((row.answered_at ?? row.ended_at)?.toISOString() ?? null) as string | null,
    }))
  }

  async find(orgId: OrgId, whose: Talker, id: string): Promise<PermissionRequest | null> {
    const row = await this.db('permission_requests')
      .where({ ...whose, org_id: orgId, id })
      .first()
    return row === undefined ? null : requestOf(row)
  }

  /** False when somebody was first, or nobody may any more. */
  async answer(
    trx: Knex,
    orgId: OrgId,
    request: PermissionRequest,
    by: { userId: UserId; name: string },
    { optionId, values }: { optionId: string; values: FormValues | null },
  ): Promise<boolean> {
    const changed = await trx('permission_requests')
      .where({ session_id: request.sessionId, id: request.id, state: 'pending' })
      .update({
        state: 'answered',
        option_id: optionId,
        answer: values && JSON.stringify(values),
        answered_by: by.userId,
        answered_by_name: by.name,
        answered_at: trx.fn.now(),
      })
    if (changed !== 1) return false
    const subject = subjectOf(request.sessionId, request.id)
    await settle(trx, orgId, { kinds: askingKinds, subject }, { userId: by.userId, reason: 'Answered' })
    return true
  }

  /** Whether the agent of a session waits for a person. */
  static async waiting(db: Knex, sessionId: SessionId): Promise<boolean> {
    return (await db('permission_requests').where({ session_id: sessionId, state: 'pending' }).first('id')) !== undefined
  }
}
