import type { HostCheck } from '@helix/contract/link'
import { pressureLevels, type Pressure as Told } from '@helix/contract/pressure'
import type { Logger } from 'pino'
import { PressureEvents } from './events.ts'
import type { Evictables } from './evictables.ts'
import { type Gauge, leftOf, levelAfter, reasonFor } from './levels.ts'
import type { Relief } from './relief.ts'

export interface PressureInput {
  /** Empty: nothing is known now. */
  measure(): Promise<Gauge[]>
  evictables: Evictables
  relief: Pick<Relief, 'suspendIdle' | 'suspendLargest'>
  log: Logger
  /** The report says something else. */
  changed(): void
}

/** Units: milliseconds. What a suspension gives back is seen after so long; until then no other session is suspended. */
const settleMs = 5000
const [, evicts, suspends, takesLargest] = [1, 2, 3, 4]

/** Sees what runs out on this machine, and makes room step by step: see `pressureLevels`. */
export class Pressure {
  private readonly input: PressureInput
  private readonly levels = new Map<string, number>()
  private readonly told: PressureEvents
  private gauges: readonly Gauge[] = []
  private level = 0
  private suspendedAt = Number.NEGATIVE_INFINITY
  /** As it was when the level began: a sentence that changes with each byte would be news all the time. */
  state: Told = null

  constructor(input: PressureInput) {
    this.input = input
    this.told = new PressureEvents(input.log, () => input.changed())
  }

  get events() {
    return this.told.list
  }

  /** Why nothing new is started here; null: there is room. */
  get problem(): string | null {
    return this.state?.reason ?? null
  }

  get measured(): readonly Gauge[] {
    return this.gauges
  }

  get checks(): HostCheck[] {
    return (['disk', 'memory'] as const).map((name) => {
      const mine = this.gauges.filter(({ what }) => (what === 'memory') === (name === 'memory'))
      if (mine.length === 0) return { name, state: 'unknown', text: 'It cannot be seen from here, or was not looked at yet.' }
      const short = mine.some((gauge) => this.levelOf(gauge) > 0)
      const text = mine.map((gauge) => `${leftOf(gauge)} are free.`).join(' ')
      return { name, state: short ? 'failed' : 'ok', text: short ? (this.problem ?? text).slice(0, 1000) : text }
    })
  }

  async look(now = Date.now()): Promise<void> {
    this.gauges = await this.input.measure()
    for (const gauge of this.gauges) this.levels.set(keyOf(gauge), levelAfter(gauge, this.levelOf(gauge)))
    const worst = this.gauges.reduce<Gauge | null>(
      (most, gauge) => (this.levelOf(gauge) > (most === null ? 0 : this.levelOf(most)) ? gauge : most),
      null,
    )
    this.become(worst)
    if (worst !== null) await this.makeRoom(worst, now)
  }

  private levelOf(gauge: Gauge): number {
    return this.levels.get(keyOf(gauge)) ?? 0
  }

  private become(worst: Gauge | null): void {
    const level = worst === null ? 0 : this.levelOf(worst)
    if (level === this.level) return
    this.level = level
    const name = pressureLevels[level - 1]
    this.state = worst === null || name === undefined ? null : { level: name, reason: reasonFor(worst, name) }
    this.told.add(this.state?.reason ?? 'There is room again: sessions are started here as before.', { level: name ?? 'none' })
  }

  private async makeRoom(worst: Gauge, now: number): Promise<void> {
    const { evictables, relief } = this.input
    if (this.level < evicts) return
    const given = await evictables.evict(worst.what, now)
    if (given !== null) {
      const { name, bytes } = given
      this.told.add(`Given up for room: ${name}, ${(bytes / 1024 ** 2).toFixed(0)} MiB.`, { name, bytes })
      // What it gave is seen at the next look.
      return
    }
    if (this.level < suspends || now - this.suspendedAt < settleMs) return
    if (await relief.suspendIdle(worst.what)) this.told.add('A session that was idle was suspended for room.', { idle: true })
    else if (this.level >= takesLargest && (await relief.suspendLargest(worst.what)))
      this.told.add('The largest session was suspended for room, its work kept.', { idle: false })
    else return
    this.suspendedAt = Math.max(now, Date.now())
  }
}

const keyOf = ({ what, of }: Gauge): string => `${what} ${of}`
