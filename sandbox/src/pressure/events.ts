import type { PressureEvent } from '@helix/contract/pressure'
import type { Logger } from 'pino'

const most = 20

/** What happened for room, the newest last. People of every organisation that uses the host read it: it names no session. */
export class PressureEvents {
  private readonly log: Logger
  private readonly changed: () => void
  list: readonly PressureEvent[] = []

  constructor(log: Logger, changed: () => void) {
    this.log = log
    this.changed = changed
  }

  /** `details`: for the log alone. */
  add(text: string, details: object): void {
    this.list = [...this.list, { at: new Date().toISOString(), text: text.slice(0, 500) }].slice(-most)
    this.log.warn(details, text)
    this.changed()
  }
}
