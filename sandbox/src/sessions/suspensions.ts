import { HelixError } from '@helix/contract/errors'
import type { SessionId } from '@helix/contract/ids'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import type { LocalSession } from './local-session.ts'
import { suspendSession } from './stop.ts'

/** Sessions whose machines this host stopped by itself, or found ended; the control plane hears of each, however late. */
export class Suspensions {
  private readonly host: Host
  private readonly untold = new Map<SessionId, { epoch: number; reason: string }>()
  private telling: Promise<void> | null = null

  constructor(host: Host) {
    this.host = host
  }

  /** `reason`: for people. Its machine keeps a checkpoint before it ends. */
  async suspend(session: LocalSession, reason: string): Promise<void> {
    const { sessionId, epoch } = session
    this.host.log.warn({ sessionId, epoch, reason }, 'suspending a session')
    // First the line: it is kept in the conversation while the machine stops.
    session.link.notice(reason)
    await suspendSession(this.host, sessionId, reason)
    this.note(sessionId, epoch, reason)
    await this.tell()
  }

  /** The machine of this start ended. */
  note(sessionId: SessionId, epoch: number, reason: string): void {
    this.untold.set(sessionId, { epoch, reason: reason.slice(0, 500) })
  }

  /** Tells what the control plane does not know yet. Never rejects: what cannot be told now is told at the next call. */
  async tell(): Promise<void> {
    this.telling ??= this.tellAll().finally(() => {
      this.telling = null
    })
    await this.telling
  }

  private async tellAll(): Promise<void> {
    for (const [sessionId, told] of [...this.untold]) {
      const known = await this.tellOne(sessionId, told)
      if (known && this.untold.get(sessionId) === told) this.untold.delete(sessionId)
    }
  }

  private async tellOne(sessionId: SessionId, told: { epoch: number; reason: string }): Promise<boolean> {
    try {
      await this.host.controlPlane.reportSuspension(sessionId, told)
      return true
    } catch (error) {
      // It lives elsewhere, was started anew, or is over: the control plane knows better.
      const outdated = error instanceof HelixError && ['not_found', 'epoch_outdated'].includes(error.code)
      this.host.log.debug({ sessionId, outdated, reason: reasonOf(error) }, 'a suspension was not taken')
      return outdated
    }
  }
}
