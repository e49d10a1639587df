import type { Registry } from '../sessions/registry.ts'
import type { Streams } from '../stream/streams.ts'
import type { Desktops } from './recordings.ts'

/** The desktops of the sessions here, as their supervisors tell of them. */
export const desktopsOf = (registry: Registry, streams: Streams): Desktops => ({
  running: (sessionId) => registry.find(sessionId)?.link.status?.desktop ?? false,
  join(sessionId, taker) {
    const leave = streams.join(sessionId, taker)
    return leave === null ? null : { leave, requestKey: () => streams.requestKey(sessionId) }
  },
})
