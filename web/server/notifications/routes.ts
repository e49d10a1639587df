import { HelixError } from '@helix/contract/errors'
import { inboxKinds } from '@helix/contract/inbox'
import {
  addPushDevice,
  getNotifications,
  removeOwnWebhook,
  removePushDevice,
  setOwnWebhook,
  testNotifications,
  updateNotifications,
} from '@helix/contract/notifications'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { leaseMs } from '../deliveries/relay.ts'
import { findDelivery, insertDelivery } from '../deliveries/store.ts'
import { vapidKeys } from '../deliveries/vapid.ts'
import type { Actor } from '../http/mount.ts'
import { mount } from '../http/mount.ts'
import { emailOf } from '../identity/email.ts'
import { enqueueMail } from '../mail/store.ts'
import { checkUrl, deliverNow, sendTest } from '../webhooks/routes.ts'
import { WebhookStore } from '../webhooks/store.ts'
import { addDevice, haveChosen, listDevices, removeDevice, settingsOfPerson, shownSettings, writeSettings } from './store.ts'

async function test(context: Context, webhooks: WebhookStore, actor: Actor, channel: 'email' | 'webhook' | 'push'): Promise<void> {
  const { db, config } = context
  if (channel === 'email') {
    const to = await emailOf(db, actor.userId)
    await enqueueMail(db, {
      orgId: actor.orgId,
      to,
      subject: 'A test from Helix',
      text: `Mail from Helix reaches you.\n\n${config.frontendUrl}`,
    })
    context.mail.nudge()
    return
  }
  if (channel === 'webhook') {
    const own = await webhooks.findOwn(actor.orgId, actor.userId)
    if (own === null) throw new HelixError('conflict', 'You have no webhook yet.')
    const { state, error } = await sendTest(context, actor.orgId, own.id, actor.userName)
    if (state !== 'sent') throw new HelixError('conflict', `The webhook did not take it: ${error}`)
    return
  }
  const devices = await listDevices(db, actor.orgId, actor.userId)
  if (devices.length === 0) throw new HelixError('conflict', 'No browser of yours is subscribed yet.')
  const payload = { title: 'A test from Helix', body: 'Messages reach this browser.', url: `${config.frontendUrl}/inbox`, tag: 'test' }
  const outcomes = await Promise.all(
    devices.map(async (device) => {
      const key = `test:${context.newId('delivery')}`
      const delivery = { orgId: actor.orgId, subscriptionId: device.id, itemId: null, key, event: 'test', payload }
      const id = await insertDelivery(db, delivery, leaseMs)
      const row = id === null ? null : await findDelivery(db, actor.orgId, id)
      return row === null ? null : deliverNow(context, row)
    }),
  )
  const failed = outcomes.find((outcome) => outcome?.state !== 'sent')
  if (failed !== undefined) throw new HelixError('conflict', `A push service did not take it: ${failed?.error ?? 'no answer'}`)
}

export function notificationRoutes(context: Context): Router {
  const router = Router()
  const { db } = context
  const webhooks = new WebhookStore(db, context.sealing)
  const own = async ({ orgId, userId }: Actor) => {
    const webhook = await webhooks.findOwn(orgId, userId)
    return webhook === null ? null : { url: webhook.url, createdAt: webhook.createdAt, lastDelivery: webhook.lastDelivery }
  }

  mount(router, context, getNotifications, async ({ actor }) => ({
    settings: shownSettings(await settingsOfPerson(db, actor.orgId, actor.userId)),
    chosen: await haveChosen(db, actor.orgId, actor.userId),
    devices: await listDevices(db, actor.orgId, actor.userId),
    webhook: await own(actor),
    vapidPublicKey: (await vapidKeys(db, context.sealing)).publicKey,
    mailIsSent: context.mail.sends,
  }))
  mount(router, context, updateNotifications, async ({ actor, body }) => {
    await writeSettings(db, actor.orgId, actor.userId, body)
    return shownSettings(await settingsOfPerson(db, actor.orgId, actor.userId))
  })
  mount(router, context, addPushDevice, async ({ actor, body }) => {
    checkUrl(context, body.endpoint, 'endpoint')
    return addDevice(db, actor.orgId, actor.userId, body)
  })
  mount(router, context, removePushDevice, async ({ actor, params }) => {
    if (!(await removeDevice(db, actor.orgId, actor.userId, params.deviceId))) throw new HelixError('not_found')
    return {}
  })
  mount(router, context, setOwnWebhook, async ({ actor, body }) => {
    checkUrl(context, body.url)
    const values = { name: 'Own', url: body.url, kinds: inboxKinds, projectIds: null }
    const { secret } = await webhooks.insert(actor.orgId, actor.userId, values)
    const webhook = await own(actor)
    if (webhook === null) throw new HelixError('conflict', 'It was removed at the same moment.')
    return { webhook, secret }
  })
  mount(router, context, removeOwnWebhook, async ({ actor }) => {
    await webhooks.removeOwn(actor.orgId, actor.userId)
    return {}
  })
  mount(router, context, testNotifications, async ({ actor, body }) => {
    await test(context, webhooks, actor, body.channel)
    return {}
  })
  return router
}
