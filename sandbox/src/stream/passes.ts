import { randomBytes } from 'node:crypto'
import type { SessionId } from '@helix/contract/ids'
import { passPrefix } from '@helix/contract/stream'
import type { Viewer } from './viewer.ts'

/** Units: milliseconds that a pass counts after its connection ended: as long as a ticket. */
const afterMs = 30_000

/**
 * What lets a viewer whose line was cut come back without asking the control plane, which it may not reach either: a secret that counts once, in place
 * of a ticket, while its connection is there and shortly after. Who was sent away has none.
 */
export class Passes {
  private readonly known = new Map<string, Viewer>()

  /** The viewer’s own, always the same until it is used. */
  of(viewer: Viewer): string {
    this.forget(Date.now())
    for (const [pass, owner] of this.known) if (owner === viewer) return pass
    const pass = passPrefix + randomBytes(24).toString('base64url')
    this.known.set(pass, viewer)
    return pass
  }

  /** Whose place the bearer takes; null: it is no pass, or of another session. */
  take(pass: string, sessionId: SessionId): Viewer | null {
    this.forget(Date.now())
    const viewer = this.known.get(pass)
    if (viewer?.claims.sessionId !== sessionId) return null
    this.known.delete(pass)
    return viewer
  }

  private forget(now: number): void {
    for (const [pass, { endedAt, dismissed }] of this.known)
      if (dismissed || (endedAt !== null && now - endedAt > afterMs)) this.known.delete(pass)
  }
}
