/** Units: milliseconds. Who did nothing for the first may be taken from; control comes back to the same person within the second, and ends after the third. */
const idleMs = 10_000
const graceMs = 10_000
const mostIdleMs = 300_000

export interface Holder {
  viewerId: string
  userId: string
  name: string
  pausesAgent: boolean
}

/** Who drives the desktop: one viewer at most. Has no clock of its own. */
export class Lease {
  private held: (Holder & { usedAt: number; leftAt: number | null }) | null = null

  get holder(): Holder | null {
    return this.held
  }

  /** Units: unix milliseconds when it ends without input; null: nobody has it. */
  get until(): number | null {
    return this.held === null ? null : this.held.usedAt + mostIdleMs
  }

  holds(viewerId: string): boolean {
    return this.held?.viewerId === viewerId && this.held.leftAt === null
  }

  /** False: somebody else works in it. */
  take(now: number, by: Holder, force: boolean): boolean {
    const { held } = this
    const busy = held !== null && held.viewerId !== by.viewerId && held.userId !== by.userId && now - held.usedAt < idleMs
    if (busy && !force) return false
    this.held = { ...by, usedAt: now, leftAt: null }
    return true
  }

  /** False: it was not this one’s. */
  give(viewerId: string): boolean {
    if (this.held?.viewerId !== viewerId) return false
    this.held = null
    return true
  }

  used(now: number): void {
    if (this.held !== null) this.held.usedAt = now
  }

  /** The connection ended; it may come back. */
  left(now: number, viewerId: string): void {
    if (this.held?.viewerId === viewerId) this.held.leftAt = now
  }

  /** Of a person whose connection ended just now: control is theirs again. */
  returns(viewerId: string, userId: string): boolean {
    const { held } = this
    if (held === null || held.leftAt === null || held.userId !== userId) return false
    Object.assign(held, { viewerId, leftAt: null })
    return true
  }

  /** True: it ended by time just now. */
  expire(now: number): boolean {
    const { held } = this
    if (held === null) return false
    const over = held.leftAt === null ? now - held.usedAt >= mostIdleMs : now - held.leftAt >= graceMs
    if (over) this.held = null
    return over
  }
}
