import { EventEmitter } from 'node:events'
import type { HostId, OrgId } from '@helix/contract/ids'

/** Wakes readers of the event log; what they then read is in the database. Events of other replicas come by polling. */
export class EventBus {
  private readonly emitter = new EventEmitter().setMaxListeners(0)

  /** A host's topic wakes who carries answers to it. */
  wake(topic: OrgId | HostId): void {
    this.emitter.emit(topic)
  }

  /** Returns what unsubscribes. */
  subscribe(topic: OrgId | HostId, listener: () => void): () => void {
    this.emitter.on(topic, listener)
    return () => this.emitter.off(topic, listener)
  }
}
