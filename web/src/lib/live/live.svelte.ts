import type { HelixEvent } from '@helix/contract/events'
import { untrack } from 'svelte'
import { browser, version } from '$app/env'
import { browserFeed } from './browser.ts'
import { LiveHub, type LiveListener } from './hub.ts'
import type { Feed, LiveState } from './news.ts'

let state = $state.raw<LiveState>('off')
let feed: Feed | null = null
let name = ''

const hub = new LiveHub(
  {
    start(sink) {
      feed = browserFeed(name)
      feed.start(sink)
    },
    stop() {
      feed?.stop()
      feed = null
    },
    nudge: () => feed?.nudge(),
  },
  (next) => {
    state = next
  },
)
const nudge = (): void => feed?.nudge()

/** The tab's live events. */
export const live = {
  get state(): LiveState {
    return state
  },
  /** `who`: tabs of the same person in the same organisation share one connection; other builds of the pages are left alone. */
  start(who: string): void {
    name = `helix-events:${version}:${who}`
    hub.start()
    window.addEventListener('online', nudge)
  },
  stop(): void {
    window.removeEventListener('online', nudge)
    hub.stop()
  },
  /** For load functions: take it before reading, and hand it to `follow` with what was read. */
  position: (): string | null => (browser ? hub.position() : null),
}

/** Listens while the component lives. */
export function follow(since: string | null, onEvent: (event: HelixEvent) => void, onResync: () => void): void {
  const listener: LiveListener = { onEvent, onResync }
  // Untracked: replayed events read and write state at once, which would run the effect again without end.
  $effect(() => untrack(() => hub.subscribe(listener, since)))
}
