import type { ResponseOf } from '@helix/contract/endpoint'
import type { locateSession } from '@helix/contract/internal'
import { CancellationScope, condition, patched } from '@temporalio/workflow'

type Location = Pick<ResponseOf<typeof locateSession>, 'idleMs' | 'endsAt'>

/** How long a session may idle and live, as its project says at the newest look. */
export class SessionLimits {
  /** Its time to live is over. */
  over = false
  /** Units: milliseconds; 0: never suspended. */
  private idleMs = 600_000
  private endsAt: string | null = null
  private readonly ended: () => void

  /** `ended` is called once each time that the time to live is over. */
  constructor(ended: () => void) {
    this.ended = ended
  }

  /** Histories from before were not told. */
  take({ idleMs, endsAt = null }: Location): void {
    if (idleMs === undefined || !patched('limits-by-project')) return
    this.idleMs = idleMs
    if (endsAt === this.endsAt) return
    this.endsAt = endsAt
    if (endsAt !== null) void this.watch(endsAt)
  }

  /** A new life begins with its next start. */
  renew(): void {
    this.over = false
    this.endsAt = null
  }

  /** Resolves with false when nothing woke the session for as long as it may idle, and `usedFor` finds nobody at its machine. */
  async idle(woken: () => boolean, usedFor: () => Promise<number>): Promise<boolean> {
    if (this.idleMs === 0) {
      await condition(woken)
      return true
    }
    for (let left = this.idleMs; left > 0; left = patched('used-is-not-idle') ? await usedFor() : 0) {
      if (await condition(woken, left)) return true
    }
    return false
  }

  /** Outside of the turn that asked: its end must not end the watch. */
  private async watch(endsAt: string): Promise<void> {
    const left = Math.max(1, Date.parse(endsAt) - Date.now())
    const replaced = await CancellationScope.nonCancellable(() => condition(() => this.endsAt !== endsAt, left))
    if (replaced) return
    this.over = true
    this.ended()
  }
}
