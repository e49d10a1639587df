import type { QueuedPrompt } from '@helix/contract/conversation'
import { HelixError } from '@helix/contract/errors'
import type { PromptId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Actor } from '../http/mount.ts'
import type { QueueStore, Talker } from './store.ts'

const onItsWay = 'The message is on its way to the agent: it cannot be changed any more.'

/** Writes in one transaction with the event that tells pages of it. */
type Change = (work: (trx: Knex.Transaction) => Promise<void>) => Promise<void>

export async function editQueued(
  queue: QueueStore,
  actor: Actor,
  whose: Talker,
  promptId: PromptId,
  text: string,
  change: Change,
): Promise<QueuedPrompt> {
  const before = await queue.find(actor.orgId, whose, promptId)
  if (before !== null && before.author.id !== actor.userId)
    throw new HelixError('forbidden', `Only ${before.author.name} may change this message.`)
  if (before === null && !(await queue.known(actor.orgId, whose, promptId))) throw new HelixError('not_found')
  await change(async (trx) => {
    if (!(await queue.edit(trx, actor.orgId, promptId, actor.userId, text))) throw new HelixError('conflict', onItsWay)
  })
  const after = await queue.find(actor.orgId, whose, promptId)
  if (after === null) throw new HelixError('conflict', onItsWay)
  return after
}

export async function withdrawQueued(
  queue: QueueStore,
  actor: Actor,
  whose: Talker,
  promptId: PromptId,
  change: Change,
): Promise<Record<string, never>> {
  if (!(await queue.known(actor.orgId, whose, promptId))) throw new HelixError('not_found')
  await change(async (trx) => {
    if (!(await queue.withdraw(trx, actor.orgId, promptId))) throw new HelixError('conflict', onItsWay)
  })
  return {}
}
