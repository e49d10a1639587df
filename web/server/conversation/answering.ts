import type { answerPermission, PermissionRequest } from '@helix/contract/conversation'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import { answerOption, filledIn, formFaults } from '@helix/contract/forms'
import type { ProjectId } from '@helix/contract/ids'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import { SessionStore } from '../sessions/store.ts'
import { RequestStore } from './requests.ts'
import type { Talker } from './store.ts'

/** Throws `invalid_request` for what is no answer to this. */
function givenTo({ options, fields }: PermissionRequest, { optionId, values = {} }: BodyOf<typeof answerPermission>) {
  const wrong = (faults: Record<string, string>): HelixError => {
    const said = Object.entries(faults).map(([name, fault]) => `${name}: ${fault}`)
    return new HelixError('invalid_request', said.join('; '), { fields: faults })
  }
  if (!options.some(({ id }) => id === optionId)) throw wrong({ optionId: 'not one of the options' })
  if (fields === null || optionId !== answerOption.id) return { optionId, values: null }
  const faults = formFaults(fields, values)
  if (Object.keys(faults).length > 0)
    throw wrong(Object.fromEntries(Object.entries(faults).map(([name, fault]) => [`values.${name}`, fault])))
  return { optionId, values: filledIn(values) }
}

/** Why an answer comes too late, for the person who gave it. */
function tooLate(request: PermissionRequest | null): HelixError {
  if (request === null) return new HelixError('not_found')
  if (request.state === 'void') return new HelixError('conflict', 'The agent does not wait for this any more.', { state: 'void' })
  const option = request.options.find(({ id }) => id === request.optionId)
  const { answeredBy } = request
  return new HelixError('conflict', `${answeredBy} answered first: ${option?.name ?? request.optionId}.`, { state: 'answered', answeredBy })
}

/** A person's answer to what the agent asks, on its way to the agent. Throws for one that comes too late. */
export async function answerRequest(
  { db, bus }: Context,
  actor: Actor,
  projectId: ProjectId,
  whose: Talker,
  requestId: string,
  body: BodyOf<typeof answerPermission>,
): Promise<PermissionRequest> {
  const requests = new RequestStore(db)
  const request = await requests.find(actor.orgId, whose, requestId)
  if (request === null) throw new HelixError('not_found')
  const given = givenTo(request, body)
  const { sessionId, taskId, id } = request
  const first = await db.transaction(async (trx) => {
    const mine = await requests.answer(trx, actor.orgId, request, { userId: actor.userId, name: actor.userName }, given)
    const about = { projectId, sessionId, taskId, requestId: id }
    if (mine) await appendEvent(trx, actor.orgId, { type: 'permission.changed', ...about, state: 'answered' })
    return mine
  })
  const now = await requests.find(actor.orgId, whose, id)
  if (!first || now === null) throw tooLate(now)
  bus.wake(actor.orgId)
  const home = (await new SessionStore(db).rowOf(sessionId))?.host_id ?? null
  if (home !== null) bus.wake(home)
  return now
}
