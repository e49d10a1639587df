import { HelixError } from '@helix/contract/errors'
import { countInbox, endedByHand, finishInboxItem, listInbox, readInboxItem, snoozeInboxItem } from '@helix/contract/inbox'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { mount } from '../http/mount.ts'
import { InboxList } from './list.ts'
import { settle } from './store.ts'

/** Units: milliseconds. */
const longestSnoozeMs = 366 * 24 * 3_600_000

export function inboxRoutes(context: Context): Router {
  const router = Router()
  const list = new InboxList(context.db)

  mount(router, context, listInbox, async ({ actor, query }) => {
    const [page, counts] = await Promise.all([list.list(actor, query), list.counts(actor)])
    return { ...page, counts }
  })
  mount(router, context, countInbox, ({ actor }) => list.counts(actor))
  mount(router, context, snoozeInboxItem, async ({ actor, params, body }) => {
    const item = await list.get(actor, params.itemId)
    if (item.done) throw new HelixError('conflict', 'This is done already: there is nothing to snooze.')
    const until = body.until === null ? null : new Date(body.until)
    if (until !== null && (until.getTime() <= Date.now() || until.getTime() > Date.now() + longestSnoozeMs))
      throw new HelixError('invalid_request', 'until: choose a time within the next year', {
        fields: { until: 'choose a time within the next year' },
      })
    await list.setState(actor, params.itemId, item.projectId, { snoozedUntil: until })
    context.bus.wake(actor.orgId)
    return {}
  })
  mount(router, context, readInboxItem, async ({ actor, params, body }) => {
    const item = await list.get(actor, params.itemId)
    await list.setState(actor, params.itemId, item.projectId, { read: body.read })
    context.bus.wake(actor.orgId)
    return {}
  })
  mount(router, context, finishInboxItem, async ({ actor, params }) => {
    const { kind } = await list.get(actor, params.itemId)
    if (!(endedByHand as readonly string[]).includes(kind))
      throw new HelixError('conflict', 'This ends by the decision it asks for, not by hand.')
    const by = { userId: actor.userId, reason: 'Marked as done' }
    const ended = await context.db.transaction((trx) => settle(trx, actor.orgId, { itemId: params.itemId }, by))
    context.bus.wake(actor.orgId)
    return { changed: ended > 0 }
  })
  return router
}
