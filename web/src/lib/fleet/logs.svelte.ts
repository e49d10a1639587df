import { getHostLogs, keptLogLines, type LogLevel, type LogLine } from '@helix/contract/host-logs'
import type { HostId } from '@helix/contract/ids'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'

/** Units: milliseconds. */
const againMs = 2000

/** The log of one host, read on while it is followed and seen. */
export class LogsState {
  lines = $state.raw<readonly LogLine[]>([])
  failure = $state.raw<Failure | null>(null)
  /** Nothing was read yet. */
  reading = $state(true)
  follow = $state(true)
  level = $state<LogLevel>('info')
  private readonly hostId: HostId
  private boot = ''
  private upTo: number | undefined
  /** Answers to what was asked before are of another level. */
  private turn = 0
  private busy = false

  constructor(hostId: HostId) {
    this.hostId = hostId
    $effect(() => {
      const timer = setInterval(() => this.follow && document.visibilityState === 'visible' && void this.read(), againMs)
      return () => clearInterval(timer)
    })
  }

  /** From the beginning, with the chosen level. */
  async begin(): Promise<void> {
    this.turn++
    this.busy = false
    this.upTo = undefined
    await this.read()
  }

  async read(): Promise<void> {
    if (this.busy) return
    this.busy = true
    const { turn, upTo } = this
    try {
      const query = { level: this.level, ...(upTo === undefined ? {} : { after: upTo }) }
      const answer = await call(getHostLogs, { params: { hostId: this.hostId }, query })
      if (turn !== this.turn) return
      // Its process began anew: the numbers are others.
      const anew = upTo === undefined || answer.bootId !== this.boot
      this.boot = answer.bootId
      this.upTo = anew && upTo !== undefined ? undefined : answer.upTo
      if (upTo === undefined) this.lines = answer.lines
      else if (!anew) this.lines = [...this.lines, ...answer.lines].slice(-keptLogLines)
      this.failure = null
    } catch (error) {
      if (turn === this.turn) this.failure = failureOf(error)
    } finally {
      if (turn === this.turn) this.busy = this.reading = false
    }
  }
}
