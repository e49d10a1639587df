import type { ResponseOf } from '@helix/contract/endpoint'
import type { SessionId } from '@helix/contract/ids'
import type { placeSession } from '@helix/contract/internal'
import { condition, workflowInfo } from '@temporalio/workflow'
import { control } from './control.ts'

type Place = ResponseOf<typeof placeSession>

/** It waits for a host for so long that the run must end; the prompt goes on in the next. */
export class HistoryFull extends Error {}

/** Units: milliseconds. A host that gets free is told by a signal; who does not ask again waits no more. */
const pauseMs = (look: number): number => (look < 30 ? 10_000 : look < 150 ? 30_000 : 60_000)

/** A session's wait for the host that the control plane gives it. */
export class HostWait {
  private readonly sessionId: SessionId
  /** Since it asked last. */
  private freed = false

  constructor(sessionId: SessionId) {
    this.sessionId = sessionId
  }

  /** There is a host, or the queue moved. */
  wake(): void {
    this.freed = true
  }

  /** The queue of its host. `told` hears each answer, `notice` each new reason to wait. */
  async over(told: (place: Place) => void, notice: (reason: string) => Promise<void>): Promise<string> {
    let last = ''
    for (let look = 0; ; look++) {
      this.freed = false
      const place = await control.placeSession({ sessionId: this.sessionId })
      told(place)
      if (place.placed) return place.queue
      if (place.reason !== last) await notice(place.reason)
      last = place.reason
      if (workflowInfo().continueAsNewSuggested) throw new HistoryFull('the run ends while it waits for a host')
      await condition(() => this.freed, pauseMs(look))
    }
  }
}
