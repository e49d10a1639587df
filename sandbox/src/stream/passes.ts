import { randomBytes } from 'node:crypto'
import type { SessionId } from '@helix/contract/ids'
import { passPrefix } from '@helix/contract/stream'
import type { Viewer } from './viewer.ts'

/** Units: milliseconds that a pass counts after its connection ended: as long as a ticket. */
const afterMs = 30_000

interface Known {
  viewer: Viewer
  /** It came in with this viewer, and was not given to it. */
  shown: boolean
}

/**
 * What lets a viewer whose line was cut come back without asking the control plane, which it may not reach either: a secret in place of a ticket, which
 * counts while its connection is there and shortly after. Whoever comes with it takes the place of who came before, since an answer may be lost on a bad
 * line; once one of them says something it has the next pass, and this one is over. Who was sent away has none.
 */
export class Passes {
  private readonly known = new Map<string, Known>()

  /** The viewer’s own, always the same. */
  of(viewer: Viewer): string {
    this.forget(Date.now())
    for (const [pass, known] of this.known) if (known.viewer === viewer && !known.shown) return pass
    const pass = passPrefix + randomBytes(24).toString('base64url')
    this.known.set(pass, { viewer, shown: false })
    return pass
  }

  /** Whose place the bearer takes; null: it is no pass, or of another session. */
  find(pass: string, sessionId: SessionId): Viewer | null {
    this.forget(Date.now())
    const viewer = this.known.get(pass)?.viewer
    return viewer?.claims.sessionId === sessionId ? viewer : null
  }

  /** The place is another viewer’s now. */
  move(pass: string, viewer: Viewer): void {
    this.known.set(pass, { viewer, shown: true })
  }

  /** The viewer is heard: it has the pass that was given to it. */
  settle(viewer: Viewer): void {
    for (const [pass, known] of this.known) if (known.viewer === viewer && known.shown) this.known.delete(pass)
  }

  private forget(now: number): void {
    for (const [pass, { viewer }] of this.known)
      if (viewer.dismissed || (viewer.endedAt !== null && now - viewer.endedAt > afterMs)) this.known.delete(pass)
  }
}
