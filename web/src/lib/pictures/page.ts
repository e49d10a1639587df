import { desktopPicturesPath } from '@helix/contract/desktop-pictures'
import { pauseMs } from '#lib/desktop/backoff.ts'
import { PictureFeed } from './feed.ts'

let feed: PictureFeed | null = null

/** The one of this page; made when the first tile comes into sight. */
export function pageFeed(): PictureFeed {
  feed ??= openFeed()
  return feed
}

function openFeed(): PictureFeed {
  const made = new PictureFeed({
    open(events) {
      const socket = new WebSocket(new URL(desktopPicturesPath, location.href.replace(/^http/, 'ws')))
      socket.binaryType = 'arraybuffer'
      socket.onopen = events.open
      socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => events.message(data)
      socket.onclose = ({ code }) => events.close(code)
      return socket
    },
    later(ms, then) {
      const timer = setTimeout(then, ms)
      return () => clearTimeout(timer)
    },
    pauseMs: (attempt) => pauseMs(attempt, Math.random()),
  })
  document.addEventListener('visibilitychange', () => made.seen(document.visibilityState === 'visible'))
  return made
}
