import type { BodyOf } from '@helix/contract/endpoint'
import type { OrgId, ProjectId, PromptId, SessionId, UserId } from '@helix/contract/ids'
import { type createSession, mostOpenSessions } from '@helix/contract/session-life'
import type { Session, SessionState } from '@helix/contract/sessions'
import type { PromptMode } from '@helix/contract/task-work'
import type { Knex } from 'knex'
import { newId } from '../../context.ts'
import type { SessionRow } from '../store.ts'

/** What a session's machine is, where it is not the project's. */
export type OwnMachine = Pick<BodyOf<typeof createSession>, 'size' | 'customSize' | 'hostLabels'>

const ownMachine = ['size', 'custom_size', 'host_labels'] as const
const jsonOrNull = (value: object | null | undefined): string | null => (value == null ? null : JSON.stringify(value))

export type SessionFate = 'made' | 'archived' | 'full' | 'gone' | 'pruned'

/** The checkpoint that a session begins with. */
export interface Fork {
  sessionId: SessionId
  n: number
  /** Only the same agent can go on with the conversation. */
  agentRuntime: Session['agentRuntime']
}

/** Beginnings of sessions that no task has, and what people tell them. */
export const sessionLife = {
  /** One at a time in a project: the limit holds whatever comes at once. */
  async insert(
    trx: Knex,
    input: {
      orgId: OrgId
      projectId: ProjectId
      userId: UserId
      title: string | null
      fork: Fork | null
      /** The demo script answers its agent. */
      demo: boolean
      /** Absent: the fork's, or the project's. */
      agentRuntime?: Session['agentRuntime'] | undefined
      /** Absent: the fork's, or the project's. */
      machine?: OwnMachine | undefined
    },
  ) {
    const { orgId, projectId, userId, title, fork, demo, machine = {} } = input
    const project = await trx('projects')
      .where({ org_id: orgId, id: projectId, deleted_at: null })
      .forUpdate()
      .first('archived_at', 'agent_runtime', 'size', 'custom_size')
    if (project === undefined) return { fate: 'gone' as const }
    if (project.archived_at !== null) return { fate: 'archived' as const }
    const open = await trx('agent_sessions')
      .where({ project_id: projectId, task_id: null })
      .whereNot('state', 'stopped')
      .count('* as count')
      .first()
    if (Number(open?.count ?? 0) >= mostOpenSessions) return { fate: 'full' as const }
    // Under its lock it is not pruned before the row below keeps it.
    const kept = fork === null ? null : await trx('checkpoints').where({ session_id: fork.sessionId, n: fork.n }).forUpdate().first('n')
    if (kept === undefined) return { fate: 'pruned' as const }
    const former =
      fork === null
        ? null
        : await trx('agent_sessions')
            .where({ id: fork.sessionId })
            .first(...ownMachine)
    const id = newId('session')
    const [row] = await trx('agent_sessions').insert(
      {
        id,
        org_id: orgId,
        project_id: projectId,
        task_id: null,
        title,
        state: 'queued',
        agent_runtime: input.agentRuntime ?? fork?.agentRuntime ?? project.agent_runtime,
        forked_from: fork?.sessionId ?? null,
        forked_from_n: fork?.n ?? null,
        demo,
        started_by: userId,
        size: machine.size ?? former?.size ?? null,
        custom_size: jsonOrNull(machine.size === undefined ? former?.custom_size : machine.customSize),
        host_labels: jsonOrNull(machine.hostLabels ?? former?.host_labels),
      },
      '*',
    )
    const { size: project_size, custom_size: project_custom_size } = project
    return { fate: 'made' as const, row: { ...(row as SessionRow), project_size, project_custom_size } }
  },

  /** Somebody's words for the agent, to be told by the session's workflow. */
  async insertPrompt(
    trx: Knex,
    { orgId, sessionId, authorId, text, mode }: { orgId: OrgId; sessionId: SessionId; authorId: UserId; text: string; mode: PromptMode },
  ): Promise<PromptId> {
    const id = newId('prompt')
    await trx('prompts').insert({
      id,
      org_id: orgId,
      session_id: sessionId,
      task_id: null,
      kind: 'person',
      author_id: authorId,
      text,
      state: 'queued',
      mode,
    })
    return id
  },

  /** False: there is none without a task. */
  async rename(trx: Knex, orgId: OrgId, id: SessionId, title: string): Promise<boolean> {
    return (await trx('agent_sessions').where({ org_id: orgId, id, task_id: null }).update({ title })) === 1
  },

  async waiting(trx: Knex, sessionId: SessionId): Promise<number> {
    const row = await trx('prompts').where({ session_id: sessionId }).whereIn('state', ['queued']).count('* as count').first()
    return Number(row?.count ?? 0)
  },

  async lockState(
    trx: Knex,
    orgId: OrgId,
    id: SessionId,
  ): Promise<{ state: SessionState; projectId: ProjectId; taskId: string | null } | null> {
    const row = await trx('agent_sessions').where({ org_id: orgId, id }).forUpdate().first('state', 'project_id', 'task_id')
    return row === undefined ? null : { state: row.state, projectId: row.project_id, taskId: row.task_id }
  },

  /** Those that run although their project is hidden. */
  async withoutTask(trx: Knex, orgId: OrgId, projectId: ProjectId): Promise<SessionId[]> {
    const rows = await trx('agent_sessions')
      .where({ org_id: orgId, project_id: projectId, task_id: null })
      .whereNot('state', 'stopped')
      .select('id')
    return rows.map((row) => row.id)
  },
}
