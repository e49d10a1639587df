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

/** Asks the person, then the browser's push service, then Helix. Throws with a sentence when one of them says no. */
export async function subscribe(call: Call, vapidPublicKey: string): Promise<PushDevice> {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('The browser did not allow notifications for this site.')
  await navigator.serviceWorker.register(worker)
  const { pushManager } = await navigator.serviceWorker.ready
  const options = { userVisibleOnly: true, applicationServerKey: bytesOf(vapidPublicKey) }
  // A subscription made for other keys cannot be used any more.
  await (await pushManager.getSubscription())?.unsubscribe()
  const { endpoint, keys } = (await pushManager.subscribe(options)).toJSON()
  const body = { endpoint: endpoint ?? '', keys: { p256dh: keys?.p256dh ?? '', auth: keys?.auth ?? '' }, device: deviceName() }
  return call(addPushDevice, { body })
}
