import { listEvents } from '@helix/contract/events'
import { call } from '#lib/api.ts'
import { routes } from '#lib/routes.ts'
import type { Feed } from './news.ts'
import { type ChannelPort, type Message, SharedFeed } from './shared.ts'
import { Wire, type WirePorts } from './wire.ts'

const wirePorts: WirePorts = {
  open: (last) => new EventSource(routes.events(last === null ? null : String(last))),
  async page(after) {
    const { events, lastEventId, more, missed } = await call(listEvents, { query: after === null ? {} : { after: String(after) } })
    const numbered = events.map(({ id, event }) => ({ id: Number(id), event }))
    return { after: missed ? null : after, upTo: Number(lastEventId), events: numbered, more }
  },
}

function openChannel(name: string): ChannelPort {
  const channel = new BroadcastChannel(name)
  return {
    post: (message) => channel.postMessage(message),
    listen: (take) => channel.addEventListener('message', ({ data }: MessageEvent<Message>) => take(data)),
    close: () => channel.close(),
  }
}

/** Shared by the tabs of this name; a connection for each tab where the browser has no locks (they ask for https or localhost). */
export function browserFeed(name: string): Feed {
  const wire = new Wire(wirePorts)
  if (navigator.locks === undefined || typeof BroadcastChannel === 'undefined') return wire
  return new SharedFeed(
    {
      tab: crypto.randomUUID(),
      lock: { request: (options, held) => navigator.locks.request(name, options, held) },
      channel: () => openChannel(name),
      visible: () => document.visibilityState === 'visible',
    },
    wire,
  )
}
