import type { HelixEvent } from '@helix/contract/events'
import { untrack } from 'svelte'
import { routes } from '#lib/routes.ts'
import { browser } from '$app/env'
import { LiveHub, type LiveListener, type LiveState } from './hub.ts'

let state = $state.raw<LiveState>('off')

const hub = new LiveHub(
  (lastEventId) => new EventSource(routes.events(lastEventId)),
  (next) => {
    state = next
  },
)

/** The tab's event stream. */
export const live = {
  get state(): LiveState {
    return state
  },
  start: () => hub.start(),
  stop: () => hub.stop(),
  /** For load functions: take it before reading, and hand it to `follow` with what was read. */
  position: (): string | null => (browser ? hub.position() : null),
}

/** Listens while the component lives. */
export function follow(since: string | null, onEvent: (event: HelixEvent) => void, onResync: () => void): void {
  const listener: LiveListener = { onEvent, onResync }
  // Untracked: replayed events read and write state at once, which would run the effect again without end.
  $effect(() => untrack(() => hub.subscribe(listener, since)))
}
