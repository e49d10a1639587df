import { expect, test } from 'vitest'
import { subscriptionFor } from './push.ts'

/** A browser's push manager, which gives a new address each time. */
class Manager {
  current: PushSubscription | null = null
  private count = 0

  async getSubscription(): Promise<PushSubscription | null> {
    return this.current
  }

  async subscribe(options: PushSubscriptionOptionsInit = {}): Promise<PushSubscription> {
    if (this.current !== null) throw new Error('one is there already')
    const { buffer } = options.applicationServerKey as Uint8Array<ArrayBuffer>
    const unsubscribe = async (): Promise<boolean> => {
      this.current = null
      return true
    }
    const made = { endpoint: `https://push.example/${this.count++}`, options: { applicationServerKey: buffer }, unsubscribe }
    this.current = made as PushSubscription
    return this.current
  }
}

test('a browser that is subscribed keeps its subscription: other organisations send to it', async () => {
  const manager = new Manager()
  const first = await subscriptionFor(manager, 'AQID')
  expect(await subscriptionFor(manager, 'AQID')).toBe(first)
})

test('a subscription that was made for other keys is replaced', async () => {
  const manager = new Manager()
  const first = await subscriptionFor(manager, 'AQID')
  const second = await subscriptionFor(manager, 'AQIE')
  expect(second.endpoint).not.toBe(first.endpoint)
  expect(manager.current).toBe(second)
})
