import type { SessionId } from '@helix/contract/ids'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import type { LocalSession } from './local-session.ts'
import type { Stage, Stages } from './stages.ts'
import type { SupervisorStatus } from './supervisor-link.ts'

/** Units: milliseconds. A start that is over by the first time was quick enough. */
const everyMs = 500
const most = { stages: 40, name: 80, text: 200, reason: 500 }

const inside = <T extends { name: string }>(all: readonly T[] = []): T[] =>
  all.map((one) => ({ ...one, name: `supervisor: ${one.name}`.slice(0, most.name) }))

/** The steps of a start that ended, on the host and inside. */
export const stagesOf = (stages: Stages, status: SupervisorStatus | null): Stage[] =>
  [...stages.list, ...inside(status?.stages)].slice(0, most.stages)

type Teller = Pick<Host, 'controlPlane' | 'preparations' | 'log'>

/** Tells people what a start is at for as long as it lasts: what changed since the last time, and in a rush of starts nothing. */
export class StartTeller implements Disposable {
  private readonly host: Teller
  private readonly start: { sessionId: SessionId; epoch: number; reason: string }
  private readonly stages: Stages
  private readonly timer: NodeJS.Timeout
  private told = ''
  private telling = false
  /** Null until there is a supervisor to ask. */
  session: LocalSession | null = null

  constructor(host: Teller, start: { sessionId: SessionId; epoch: number; reason: string }, stages: Stages) {
    this.host = host
    this.start = start
    this.stages = stages
    this.timer = setInterval(() => void this.tell(), everyMs)
    this.timer.unref()
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer)
  }

  private async tell(): Promise<void> {
    const { sessionId, epoch, reason } = this.start
    const status = this.session?.link.status ?? null
    const within = inside(status?.running)
    // What the supervisor is at says more than that it is waited for.
    const running = [...this.stages.running.filter(({ name }) => name !== 'supervisor' || within.length === 0), ...within].slice(
      0,
      most.stages,
    )
    const stages = stagesOf(this.stages, status)
    const names = running.map(({ name }) => name.replace('supervisor: ', ''))
    const text = (this.stages.saying ?? (names.join(', ') || 'begins')).slice(0, most.text)
    const gist = JSON.stringify([text, stages.length, names])
    if (this.telling || gist === this.told || this.host.preparations.rush) return
    this.telling = true
    try {
      await this.host.controlPlane.reportProgress(sessionId, epoch, text, { reason: reason.slice(0, most.reason), stages, running })
      this.told = gist
    } catch (error) {
      this.host.log.debug({ sessionId, reason: reasonOf(error) }, 'the progress of a start could not be told')
    } finally {
      this.telling = false
    }
  }
}
