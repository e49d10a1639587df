import { EventEmitter } from 'node:events'
import type { HostId, OrgId } from '@helix/contract/ids'
import type { CatalogueTopic } from '../gateway/catalogue/store.ts'

type Topic = OrgId | HostId | CatalogueTopic

/** Heard with the newest number, where the waker knows it. */
export type WakeListener = (upTo?: number) => void

/** Wakes readers of the event log; what they then read is in the database. Other processes wake it by notifications of the database. */
export class EventBus {
  private readonly emitter = new EventEmitter().setMaxListeners(0)

  /** A host's topic wakes who carries answers to it, a catalogue's who keeps it in memory. */
  wake(topic: Topic, upTo?: number): void {
    this.emitter.emit(topic, upTo)
  }

  wakeAll(): void {
    for (const topic of this.emitter.eventNames()) this.emitter.emit(topic)
  }

  /** Returns what unsubscribes. */
  subscribe(topic: Topic, listener: WakeListener): () => void {
    this.emitter.on(topic, listener)
    return () => this.emitter.off(topic, listener)
  }
}
