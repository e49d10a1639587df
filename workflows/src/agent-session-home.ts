import type { SessionId } from '@helix/contract/ids'
import { CancellationScope, isCancellation, log, patched, sleep } from '@temporalio/workflow'
import { onHost, reasonOf, shared } from './agent-session-host.ts'
import type { SessionLimits } from './agent-session-limits.ts'
import type { SessionOwner } from './agent-session-owner.ts'
import { HostWait } from './agent-session-place.ts'
import { control } from './control.ts'

/** Units: milliseconds. */
const longestPauseMs = 10_000

/** Where a session runs: the host it was given, and the start that holds there. */
export class SessionHome {
  epoch: number
  readonly hostWait: HostWait
  /** The host that it is to leave at the end of its turn. */
  leaves: string | null
  private readonly sessionId: SessionId
  private readonly owner: SessionOwner
  private readonly limits: SessionLimits
  /** The host's queue while the session is known to run there. */
  private queue: string | null = null

  constructor(input: { sessionId: SessionId; owner: SessionOwner; limits: SessionLimits; epoch: number; leaves: string | null }) {
    this.sessionId = input.sessionId
    this.owner = input.owner
    this.limits = input.limits
    this.epoch = input.epoch
    this.leaves = input.leaves
    this.hostWait = new HostWait(input.sessionId)
  }

  get mustLeave(): boolean {
    return this.leaves !== null && (this.queue === null || this.queue.includes(this.leaves))
  }

  /** It may not run there any more: whoever wants it looks. */
  lose(): void {
    this.queue = null
  }

  /** The queue of the host where the session runs and takes prompts; places and starts it where it does not. */
  async ensure(reason: string): Promise<string> {
    if (this.queue !== null) return this.queue
    if (patched('placed-by-control-plane')) return this.startOn(await this.given(), reason)
    for (let look = 0; ; look++) {
      const location = await control.locateSession({ sessionId: this.sessionId })
      this.epoch = Math.max(this.epoch, location.epoch)
      this.limits.take(location)
      const queue = location.queue ?? (location.waitForHost ? null : await this.place())
      if (queue !== null) return this.startOn(queue, reason)
      await this.owner.notice(location.reason ?? 'Waits for a sandbox host with room')
      await sleep(Math.min(1000 * 2 ** Math.min(look, 4), longestPauseMs))
    }
  }

  private async startOn(queue: string, reason: string): Promise<string> {
    const started = await onHost(queue).start.startSession({ sessionId: this.sessionId, epoch: this.epoch, reason })
    this.epoch = started.epoch
    this.queue = queue
    return queue
  }

  private given(): Promise<string> {
    const told: Parameters<HostWait['over']>[0] = (place) => {
      this.epoch = Math.max(this.epoch, place.epoch)
      this.limits.take(place)
    }
    return this.hostWait.over(told, (reason) => this.owner.notice(reason))
  }

  /** Offers the session to every host with room; null when nobody took it. */
  private async place(): Promise<string | null> {
    try {
      const placed = await shared.placeSession({ sessionId: this.sessionId, epoch: this.epoch })
      if (!placed.placed) {
        await this.owner.notice(placed.reason)
        return null
      }
      this.epoch = placed.epoch
      return placed.queue
    } catch (error) {
      if (isCancellation(error)) throw error
      return null
    }
  }

  /** Stops the machine and keeps what it holds. `looks`: a run that goes on from an earlier one does not know the host yet, and asks. */
  async suspend({ looks, reason }: { looks: boolean; reason: string }): Promise<void> {
    this.leaves = null
    const queue = this.queue ?? (looks ? await this.located() : null)
    if (queue === null) return
    this.queue = null
    await onHost(queue)
      .quick.suspendSession({ sessionId: this.sessionId })
      .catch((error) => log.warn('not suspended', { reason: reasonOf(error) }))
    await this.record('suspended', reason)
  }

  /** Its time to live is over and its task goes on: the machine is removed, and the next turn gets a new one. */
  async expire(): Promise<void> {
    const queue = this.queue ?? (await this.located())
    this.queue = null
    this.limits.renew()
    await this.removeFrom(queue)
    await this.record('queued', 'Its time to live is over; the next turn gets a new machine')
  }

  /** A host that is gone for good keeps nothing we could remove: its own garbage collection finds the session stopped. */
  async remove(reason: string): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      await this.record('stopped', reason.slice(0, 2000))
      await this.removeFrom(await this.located())
    })
  }

  async record(state: 'suspended' | 'queued' | 'stopped', reason: string): Promise<void> {
    await control.recordSession({ sessionId: this.sessionId, epoch: this.epoch, state, reason })
  }

  private async located(): Promise<string | null> {
    return (await control.locateSession({ sessionId: this.sessionId })).queue
  }

  private async removeFrom(queue: string | null): Promise<void> {
    if (queue === null) return
    await onHost(queue)
      .quick.removeSession({ sessionId: this.sessionId })
      .catch((error) => log.warn('not removed yet', { reason: reasonOf(error) }))
  }
}
