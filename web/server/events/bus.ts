import { EventEmitter } from 'node:events'
import type { OrgId } from '@helix/contract/ids'

/** Wakes readers of the event log; what they then read is in the database. Events of other replicas come by polling. */
export class EventBus {
  private readonly emitter = new EventEmitter().setMaxListeners(0)

  wake(orgId: OrgId): void {
    this.emitter.emit(orgId)
  }

  /** Returns what unsubscribes. */
  subscribe(orgId: OrgId, listener: () => void): () => void {
    this.emitter.on(orgId, listener)
    return () => this.emitter.off(orgId, listener)
  }
}
