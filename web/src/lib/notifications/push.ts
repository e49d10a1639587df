import type { Call } from '@helix/contract/client'
import { addPushDevice, type PushDevice } from '@helix/contract/notifications'

const worker = '/push-worker.js'

export type PushAbility = 'yes' | 'unsupported' | 'denied'

/** Whether this browser can be sent push messages; it needs https, or localhost. */
export function pushAbility(): PushAbility {
  if (!('serviceWorker' in navigator) || !('PushManager' in globalThis) || !('Notification' in globalThis)) return 'unsupported'
  return Notification.permission === 'denied' ? 'denied' : 'yes'
}

function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replace(/-/g, '+').replace(/_/g, '/'))
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

function deviceName(): string {
  const agent = navigator.userAgent
  const browser = ['Edg', 'Firefox', 'Chrome', 'Safari'].find((name) => agent.includes(name)) ?? 'Browser'
  const system = ['Windows', 'Android', 'iPhone', 'Mac', 'Linux'].find((name) => agent.includes(name))
  return `${browser === 'Edg' ? 'Edge' : browser}${system === undefined ? '' : ` on ${system}`}`
}

const sameBytes = (one: ArrayBuffer | null, other: Uint8Array): boolean =>
  one !== null && one.byteLength === other.length && new Uint8Array(one).every((byte, index) => byte === other[index])

/** The one subscription of this browser, which all organisations of the person share. One that was made for other keys is of no use any more. */
export async function subscriptionFor(
  manager: Pick<PushManager, 'getSubscription' | 'subscribe'>,
  vapidPublicKey: string,
): Promise<PushSubscription> {
  const applicationServerKey = bytesOf(vapidPublicKey)
  const known = await manager.getSubscription()
  if (known !== null && sameBytes(known.options.applicationServerKey, applicationServerKey)) return known
  await known?.unsubscribe()
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey })
}

/** Asks the person, then the browser's push service, then Helix. Throws with a sentence when one of them says no. */
export async function subscribe(call: Call, vapidPublicKey: string): Promise<PushDevice> {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('The browser did not allow notifications for this site.')
  await navigator.serviceWorker.register(worker)
  const { pushManager } = await navigator.serviceWorker.ready
  const { endpoint, keys } = (await subscriptionFor(pushManager, vapidPublicKey)).toJSON()
  const body = { endpoint: endpoint ?? '', keys: { p256dh: keys?.p256dh ?? '', auth: keys?.auth ?? '' }, device: deviceName() }
  return call(addPushDevice, { body })
}

/** For who signs out: whoever uses this browser next is shown nothing of theirs. Helix forgets it when the push service says so. */
export async function unsubscribe(): Promise<void> {
  if (pushAbility() === 'unsupported') return
  const registration = await navigator.serviceWorker.getRegistration()
  await (await registration?.pushManager.getSubscription())?.unsubscribe()
}
