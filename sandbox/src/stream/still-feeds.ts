import type { Source } from './source.ts'
import { StillFeed } from './still-feed.ts'
import type { Viewer } from './viewer.ts'

const wish = { maxWidth: 1280, maxHeight: 800, quality: 60 }

/** JPEGs for the viewers of a desktop that take no frames. */
export class StillFeeds {
  private readonly source: Source
  private readonly feeds = new Map<string, StillFeed>()

  constructor(source: Source) {
    this.source = source
  }

  start(viewer: Viewer, everyMs: number): void {
    const show = (bytes: Uint8Array): boolean => viewer.wishes.visible && viewer.pass(bytes)
    this.feeds.set(viewer.id, new StillFeed(this.source, { ...wish, everyMs }, show))
  }

  stop({ id }: Viewer): void {
    this.feeds.get(id)?.close()
    this.feeds.delete(id)
  }

  close(): void {
    for (const feed of this.feeds.values()) feed.close()
  }
}
