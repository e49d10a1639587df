import type { SessionId } from '@helix/contract/ids'
import type { Viewer } from './viewer.ts'

/** Units: milliseconds that a pass counts after its connection ended: as long as a ticket. */
const afterMs = 30_000

/**
 * What lets a viewer whose line was cut come back without asking the control plane, which it may not reach either: a secret in place of a ticket, which
 * counts while its connection is there and shortly after. Whoever comes with it takes the place of who came before, since an answer may be lost on a bad
 * line; once one of them says something it has the next pass, and this one is over. Who was sent away has none.
 */
export class Passes {
  private readonly known = new Map<string, Viewer>()

  /** The viewer’s own counts from now on. */
  give(viewer: Viewer): string {
    this.forget(Date.now())
    this.known.set(viewer.ownPass, viewer)
    return viewer.ownPass
  }

  /** Whose place the bearer takes; null: it is no pass, or of another session. */
  find(pass: string, sessionId: SessionId): Viewer | null {
    this.forget(Date.now())
    const viewer = this.known.get(pass)
    return viewer?.claims.sessionId === sessionId ? viewer : null
  }

  /** The place is another viewer’s now. */
  move(pass: string, viewer: Viewer): void {
    this.known.set(pass, viewer)
  }

  /** The viewer is heard, so it has its own: the one that it came with is over. */
  settle(viewer: Viewer): void {
    for (const [pass, owner] of this.known) if (owner === viewer && pass !== viewer.ownPass) this.known.delete(pass)
  }

  private forget(now: number): void {
    for (const [pass, { dismissed, endedAt }] of this.known)
      if (dismissed || (endedAt !== null && now - endedAt > afterMs)) this.known.delete(pass)
  }
}
