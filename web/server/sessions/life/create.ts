import { HelixError } from '@helix/contract/errors'
import type { ProjectId } from '@helix/contract/ids'
import { mostOpenSessions } from '@helix/contract/session-life'
import type { Session } from '@helix/contract/sessions'
import type { Context } from '../../context.ts'
import { appendEvent } from '../../events/store.ts'
import type { Actor } from '../../http/mount.ts'
import { enqueue } from '../../outbox/store.ts'
import { placeEarly, wakeLaterMs } from '../../placement/early.ts'
import { newSession } from '../store.ts'
import { type Fork, type OwnMachine, sessionLife } from './store.ts'

const refusals = {
  gone: () => new HelixError('not_found'),
  archived: () => new HelixError('conflict', 'The project is archived: bring it back before starting sessions.'),
  full: () => new HelixError('conflict', `The project has ${mostOpenSessions} sessions without a task: stop one first.`),
  pruned: () => new HelixError('not_found'),
}

/** A session without a task, on its way to a machine. */
export async function createSessionFor(
  context: Context,
  actor: Actor,
  input: {
    projectId: ProjectId
    title: string | null
    fork: Fork | null
    agentRuntime?: Session['agentRuntime'] | undefined
    prompt?: string | undefined
    machine?: OwnMachine | undefined
  },
): Promise<Session> {
  const { orgId, userId } = actor
  const { prompt, ...rest } = input
  const laterMs = prompt === undefined ? wakeLaterMs : undefined
  const demo = await context.catalogue.demo({ orgId, projectId: input.projectId, userId })
  const made = await context.db.transaction(async (trx) => {
    const made = await sessionLife.insert(trx, { orgId, userId, demo, ...rest })
    if (made.fate !== 'made') throw refusals[made.fate]()
    const told =
      prompt === undefined
        ? { signal: 'wake' as const, payload: {} }
        : {
            signal: 'prompt' as const,
            payload: {
              promptId: await sessionLife.insertPrompt(trx, {
                orgId,
                sessionId: made.row.id,
                authorId: userId,
                text: prompt,
                mode: 'queue',
              }),
            },
          }
    const { id: sessionId } = made.row
    await enqueue(trx, orgId, { kind: 'tellSession', sessionId, taskId: null, ...told }, { laterMs })
    const about = { projectId: input.projectId, sessionId, taskId: null }
    await appendEvent(trx, orgId, { type: 'session.changed', ...about, state: 'queued' })
    return made.row
  })
  await placeEarly(context, { id: made.id, orgId }, laterMs)
  context.bus.wake(orgId)
  return newSession(made)
}
