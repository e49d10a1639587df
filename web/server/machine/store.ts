import type { SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'

/** Units: milliseconds. A use is written at most this often, and together with those of the next moment. */
const everyMs = 30_000
const togetherMs = 250

/** Remembers that people use the machines of sessions: what is used is not suspended as idle. */
export class MachineUse {
  private readonly db: Knex
  private readonly failed: (error: unknown) => void
  private readonly written = new Map<SessionId, number>()
  private used = new Set<SessionId>()

  constructor(db: Knex, failed: (error: unknown) => void) {
    this.db = db
    this.failed = failed
  }

  touch(sessionId: SessionId): void {
    const now = Date.now()
    if (now - (this.written.get(sessionId) ?? 0) < everyMs) return
    for (const [id, at] of this.written) if (now - at > everyMs) this.written.delete(id)
    this.written.set(sessionId, now)
    if (this.used.size === 0) setTimeout(() => void this.write().catch(this.failed), togetherMs).unref()
    this.used.add(sessionId)
  }

  private async write(): Promise<void> {
    const ids = [...this.used]
    this.used = new Set()
    await this.db('agent_sessions').whereIn('id', ids).update({ used_at: this.db.fn.now() })
  }
}
