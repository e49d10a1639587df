import type { StreamUp } from '@helix/contract/stream-up'
import { Hands } from './hands.ts'
import { Lease } from './lease.ts'
import type { Source } from './source.ts'
import type { Viewer } from './viewer.ts'

/** Who drives, and what of whose input reaches the desktop. */
export class Control {
  private readonly source: Source
  /** Somebody else drives, or nobody. */
  private readonly changed: () => void
  private readonly lease = new Lease()
  private readonly hands = new Hands()
  private pausesAgent = false
  /** Units: unix milliseconds. */
  workedAt = Number.NEGATIVE_INFINITY

  constructor(source: Source, changed: () => void) {
    this.source = source
    this.changed = changed
  }

  holds(viewer: Viewer): boolean {
    return this.lease.holds(viewer.id)
  }

  get state() {
    const { holder, until } = this.lease
    return { holder: holder === null ? null : { id: holder.viewerId, name: holder.name }, pausesAgent: this.pausesAgent, until }
  }

  take(viewer: Viewer, { pausesAgent, force }: { pausesAgent: boolean; force: boolean }): void {
    const { claims } = viewer
    if (claims.right !== 'control') {
      viewer.error('not_allowed', 'You may look at this desktop, and not drive it.')
      return
    }
    const by = { viewerId: viewer.id, userId: claims.userId, name: claims.name, pausesAgent }
    const before = this.lease.holder
    const same = before?.viewerId === viewer.id
    if (!this.lease.take(Date.now(), by, force)) {
      viewer.error('control_held', `${before?.name ?? 'Somebody'} works in it: take over all the same?`)
      return
    }
    if (!same) this.letGo()
    this.pausesAgent = pausesAgent
    this.tell()
  }

  give(viewer: Viewer): void {
    if (this.lease.give(viewer.id)) this.ended()
  }

  /** A person whose connection ended just now drives on with the next one. */
  greet(viewer: Viewer): void {
    if (viewer.claims.right === 'control' && this.lease.returns(viewer.id, viewer.claims.userId)) this.tell()
  }

  left(viewer: Viewer): void {
    if (!this.lease.holds(viewer.id)) return
    this.lease.left(Date.now(), viewer.id)
    this.letGo()
  }

  /** False: it was not this one’s to do. */
  act(viewer: Viewer, message: StreamUp, bytes: Uint8Array): boolean {
    if (!this.holds(viewer)) return false
    this.hands.note(message)
    this.source.input(bytes)
    this.used()
    return true
  }

  used(): void {
    const now = Date.now()
    this.workedAt = now
    this.lease.used(now)
  }

  look(now: number): void {
    if (this.lease.expire(now)) this.ended()
  }

  private ended(): void {
    this.letGo()
    this.pausesAgent = false
    this.tell()
  }

  private letGo(): void {
    for (const bytes of this.hands.release()) this.source.input(bytes)
  }

  private tell(): void {
    const { holder, pausesAgent } = this.state
    this.source.setLease({ type: 'lease', holder, pausesAgent })
    this.changed()
  }
}
