import type { McpCallId, OrgId, ProjectId, SessionId, TaskId } from '@helix/contract/ids'
import type { McpCall } from '@helix/contract/mcp-servers'
import { wellFormed } from '@helix/contract/text'
import type { Knex } from 'knex'
import { newId } from '../../context.ts'
import type { Scope } from '../../gateway/ports/scope.ts'

/** What of a call is kept: never its arguments, and nothing of its result. */
export interface KeptCall extends Omit<McpCall, 'id' | 'sessionId' | 'taskId' | 'person' | 'at'> {
  begun: number
}

const largestInt = 2_147_483_647
const short = (text: string): string => wellFormed(text).slice(0, 200)

/** Does nothing for a project that is gone. */
export async function insertCalls(db: Knex, scope: Scope, calls: readonly KeptCall[]): Promise<void> {
  const { orgId, projectId, taskId, sessionId, userId } = scope
  const rows = calls.map((call) => ({
    ...{ id: newId('mcpCall'), org_id: orgId, project_id: projectId, task_id: taskId, session_id: sessionId, user_id: userId },
    ...{ server: call.server, method: short(call.method), tool: call.tool === null ? null : short(call.tool), outcome: call.outcome },
    ...{ status: call.status, request_bytes: call.requestBytes, answer_bytes: call.answerBytes },
    duration_ms: Math.min(largestInt, Math.round(call.durationMs)),
    created_at: new Date(call.begun),
  }))
  const there = await db('projects').where({ id: projectId }).first('id')
  if (rows.length > 0 && there !== undefined) await db('mcp_calls').insert(rows)
}

interface Wanted {
  taskId?: TaskId | undefined
  sessionId?: SessionId | undefined
  server?: string | undefined
  cursor?: McpCallId | undefined
  limit: number
}

/** Newest first. */
export async function listCalls(db: Knex, orgId: OrgId, projectId: ProjectId, wanted: Wanted): Promise<McpCall[]> {
  const rows = db('mcp_calls as c').leftJoin('users as u', 'u.id', 'c.user_id').where({ 'c.org_id': orgId, 'c.project_id': projectId })
  if (wanted.taskId !== undefined) rows.andWhere({ 'c.task_id': wanted.taskId })
  if (wanted.sessionId !== undefined) rows.andWhere({ 'c.session_id': wanted.sessionId })
  if (wanted.server !== undefined) rows.andWhere({ 'c.server': wanted.server })
  if (wanted.cursor !== undefined) rows.andWhere('c.id', '<', wanted.cursor)
  const found = await rows.orderBy('c.id', 'desc').limit(wanted.limit).select('c.*', 'u.name as person')
  return found.map((row) => ({
    ...{ id: row.id, server: row.server, sessionId: row.session_id, taskId: row.task_id, person: row.person, method: row.method },
    ...{ tool: row.tool, outcome: row.outcome, status: row.status, requestBytes: row.request_bytes },
    ...{ answerBytes: Number(row.answer_bytes), durationMs: row.duration_ms, at: row.created_at.toISOString() },
  }))
}

/** Answers how many went. */
export async function removeOldCalls(db: Knex, days: number, batch: number): Promise<number> {
  const old = db('mcp_calls').whereRaw('created_at < now() - make_interval(days => ?)', [days]).limit(batch).select('id')
  return db('mcp_calls').whereIn('id', old).delete()
}
