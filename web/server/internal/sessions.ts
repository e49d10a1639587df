import type { BodyOf, ResponseOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import type { locateSession, recordSession, recordTurn } from '@helix/contract/internal'
import { hostQueue } from '@helix/workflows/messages'
import type { Context } from '../context.ts'
import { voidRequests } from '../conversation/requests.ts'
import { appendEvent } from '../events/store.ts'
import { pauseIfRefused } from '../gateway/budgets/stops/pause.ts'
import { HostStore, lostAfter, silentAfter } from '../hosts/store.ts'
import { revokeSessionTokens } from '../identity/tokens.ts'
import { moveIfDraining } from '../placement/drain.ts'
import { roomChanged } from '../placement/room.ts'
import { holding, PlacementStore } from '../placement/store.ts'
import { settleQuestions } from '../reviews/questions.ts'
import { idleLeftMs, timesOf } from '../sessions/machine.ts'
import type { SessionRow } from '../sessions/store.ts'

async function getRow(context: Pick<Context, 'db'>, id: SessionId): Promise<SessionRow> {
  const row = await context.db('agent_sessions').where({ id }).first()
  if (row === undefined) throw new HelixError('not_found')
  return row
}

/** Where the session lives. A home that is silent is waited for until it counts as lost. */
export async function locate(context: Pick<Context, 'db'>, id: SessionId): Promise<ResponseOf<typeof locateSession>> {
  const session = await getRow(context, id)
  const hosts = new HostStore(context.db)
  const hostsOnline = await hosts.online()
  const project = await context.db('projects').where({ id: session.project_id }).first('idle_minutes', 'ttl_hours')
  const nowhere = {
    epoch: session.epoch,
    queue: null,
    waitForHost: false,
    hostsOnline,
    reason: hostsOnline === 0 ? 'No sandbox host is online: waiting for one' : null,
    ...timesOf(project, session.life_started_at),
    idleLeftMs: idleLeftMs(project, session.used_at),
  }
  const home = session.host_id === null ? null : await hosts.find(session.host_id)
  if (home === null || home.boot_id === null) return nowhere
  if (home.admission === 'draining' && session.state === 'suspended')
    return { ...nowhere, reason: `Sandbox host ${home.name} is being drained: looking for another` }
  if (home.silent_for < silentAfter) {
    const problem = home.report?.problem
    if (problem != null) return { ...nowhere, waitForHost: true, reason: `Sandbox host ${home.name} cannot run sessions now: ${problem}` }
    return { ...nowhere, queue: hostQueue(home.id, home.boot_id), reason: null }
  }
  if (home.silent_for < lostAfter)
    return {
      ...nowhere,
      waitForHost: true,
      reason: `Sandbox host ${home.name} is silent for ${Math.round(home.silent_for)} s: waiting for it`,
    }
  return { ...nowhere, reason: `Sandbox host ${home.name} is lost: looking for another` }
}

/** An older epoch loses. `stopped` is final: its tokens end, what waited for the agent is dropped, and only a new start leads out of it. */
export async function writeState(context: Context, id: SessionId, { epoch, state, reason }: BodyOf<typeof recordSession>): Promise<void> {
  const session = await getRow(context, id)
  await context.db.transaction(async (trx) => {
    const row = trx('agent_sessions').where({ id })
    if (state !== 'stopped') row.andWhere('epoch', '<=', epoch).whereNot('state', 'stopped')
    const homeless = state === 'queued' ? { host_id: null, host_boot_id: null, life_started_at: null } : {}
    if ((await row.update({ state, reason, ...homeless })) === 0) return
    if (state === 'stopped') {
      await revokeSessionTokens(trx, id)
      await voidRequests(trx, session, { beforeEpoch: session.epoch + 1 })
      await trx('prompts')
        .where({ session_id: id })
        .whereIn('state', ['queued', 'running'])
        .update({ state: 'ended', outcome: 'cancelled', ended_at: trx.fn.now() })
      await settleQuestions(trx, id)
      await new PlacementStore(trx).leave(id)
    }
    await appendEvent(trx, session.org_id, {
      type: 'session.changed',
      projectId: session.project_id,
      sessionId: id,
      taskId: session.task_id,
      state,
    })
  })
  context.bus.wake(session.org_id)
  if (!holding.includes(state)) await roomChanged(context)
}

/** Answers whether the message was taken back before its turn began: then nothing is written. */
export async function writeTurn(
  context: Context,
  id: SessionId,
  { promptId, state, outcome }: BodyOf<typeof recordTurn>,
): Promise<ResponseOf<typeof recordTurn>> {
  const session = await getRow(context, id)
  const ended = await context.db.transaction(async (trx) => {
    const prompt = await trx('prompts').where({ id: promptId, session_id: id }).forUpdate().first('state')
    if (prompt?.state === 'withdrawn') return { withdrawn: true }
    const now = trx.fn.now()
    const turn = trx('prompts').where({ id: promptId, session_id: id })
    if (state === 'running')
      await turn.whereIn('state', ['queued', 'running']).update({ state, started_at: trx.raw('coalesce(started_at, now())') })
    else {
      await turn.whereNot('state', state).update({ state, outcome, ended_at: now })
      await voidRequests(trx, session, { promptId })
    }
    const sessionState = state === 'running' ? 'running' : 'idle'
    await trx('agent_sessions').where({ id }).whereIn('state', ['starting', 'idle', 'running']).update({ state: sessionState })
    await appendEvent(trx, session.org_id, {
      type: 'session.changed',
      projectId: session.project_id,
      sessionId: id,
      taskId: session.task_id,
      state: sessionState,
    })
    if (state !== 'running') await settleQuestions(trx, id)
    if (state !== 'running') await moveIfDraining(trx, session)
    // A turn that a person ended did not end for want of budget.
    const budget =
      state === 'running' || outcome === 'cancelled' ? null : await pauseIfRefused(trx, session, { promptId, failed: state === 'failed' })
    return { withdrawn: false, ...(budget === null ? {} : { budget }) }
  })
  context.bus.wake(session.org_id)
  context.outbox.nudge()
  return ended
}
