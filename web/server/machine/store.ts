import type { SessionId } from '@helix/contract/ids'
import type { Knex } from 'knex'

/** Units: milliseconds. A use is written at most this often. */
const everyMs = 30_000

/** Remembers that people use the machines of sessions: what is used is not suspended as idle. */
export class MachineUse {
  private readonly db: Knex
  private readonly written = new Map<SessionId, number>()

  constructor(db: Knex) {
    this.db = db
  }

  async touch(sessionId: SessionId): Promise<void> {
    const now = Date.now()
    if (now - (this.written.get(sessionId) ?? 0) < everyMs) return
    for (const [id, at] of this.written) if (now - at > everyMs) this.written.delete(id)
    this.written.set(sessionId, now)
    await this.db('agent_sessions').where({ id: sessionId }).update({ used_at: this.db.fn.now() })
  }
}
