import { HelixError } from '@helix/contract/errors'

/** Requests of one session that may be under way at once. */
export const mostOpen = 64

/** Counts what is under way, by session. */
export class Open {
  private readonly bySession = new Map<string, number>()

  /** Throws when the session has too many; else answers with what to call at the end. */
  enter(sessionId: string): () => void {
    const now = this.bySession.get(sessionId) ?? 0
    if (now >= mostOpen)
      throw new HelixError('rate_limited', `This session has ${mostOpen} calls of MCP servers under way: wait until one ends.`)
    this.bySession.set(sessionId, now + 1)
    return () => {
      const left = (this.bySession.get(sessionId) ?? 1) - 1
      if (left > 0) this.bySession.set(sessionId, left)
      else this.bySession.delete(sessionId)
    }
  }
}
