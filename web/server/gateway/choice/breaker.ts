import { steadyNow } from './clock.ts'

/** How one key of a provider does, as pages show it. Units: unix milliseconds, milliseconds. */
export interface KeyHealth {
  providerId: string
  keyId: string
  state: 'closed' | 'open' | 'trying'
  failuresInARow: number
  /** For people; null: it works. */
  reason: string | null
  retryAt: number | null
  lastGoodAt: number | null
  lastFailureAt: number | null
  firstByteMs: number | null
}

/** Units: failures; milliseconds. */
const enough = 5
const firstRestMs = 5000
const longestRestMs = 120_000
/** A new value counts for so much of the average. */
const part = 0.2

interface Circuit extends KeyHealth {
  rests: number
  trial: boolean
}

/** Leaves keys of providers alone that failed several times in a row: after a rest one call tries. In memory, by process. */
export class Breaker {
  private readonly circuits = new Map<string, Circuit>()
  private readonly now: () => number

  constructor(now: () => number = steadyNow) {
    this.now = now
  }

  /** False: the key is left alone now. True for a call that tries takes the only trial there is: it must end in `good`, `failed` or `gaveUp`. */
  admits(key: string): boolean {
    const circuit = this.circuits.get(key)
    if (circuit === undefined || circuit.state === 'closed') return true
    if (circuit.trial || this.now() < (circuit.retryAt ?? 0)) return false
    circuit.trial = true
    circuit.state = 'trying'
    return true
  }

  good(key: string, firstByteMs: number | null): void {
    const circuit = this.circuitOf(key)
    const before = circuit.firstByteMs
    if (firstByteMs !== null) circuit.firstByteMs = before === null ? firstByteMs : before + part * (firstByteMs - before)
    Object.assign(circuit, {
      state: 'closed',
      failuresInARow: 0,
      reason: null,
      retryAt: null,
      lastGoodAt: this.now(),
      rests: 0,
      trial: false,
    })
  }

  /** `atOnce`: it will not get better by itself soon, like a key that is refused. */
  failed(key: string, reason: string, atOnce = false): void {
    const circuit = this.circuitOf(key)
    circuit.failuresInARow++
    circuit.reason = reason
    circuit.lastFailureAt = this.now()
    const wasTrial = circuit.trial
    circuit.trial = false
    if (!wasTrial && !atOnce && circuit.failuresInARow < enough) return
    // Calls that began before it opened say nothing new.
    if (circuit.state === 'open' && !wasTrial) return
    circuit.state = 'open'
    circuit.retryAt = this.now() + Math.min(longestRestMs, firstRestMs * 2 ** circuit.rests)
    circuit.rests++
  }

  /** The caller left: nothing was learnt. */
  gaveUp(key: string): void {
    const circuit = this.circuits.get(key)
    if (circuit === undefined || !circuit.trial) return
    circuit.trial = false
    circuit.state = 'open'
  }

  firstByteMs(key: string): number | null {
    return this.circuits.get(key)?.firstByteMs ?? null
  }

  /** Units: milliseconds until it is tried again; 0: now. */
  restOf(key: string): number {
    return Math.max(0, (this.circuits.get(key)?.retryAt ?? 0) - this.now())
  }

  reasonOf(key: string): string | null {
    return this.circuits.get(key)?.reason ?? null
  }

  health(): KeyHealth[] {
    return [...this.circuits.values()].map(({ rests: _rests, trial: _trial, ...health }) => health)
  }

  private circuitOf(key: string): Circuit {
    const known = this.circuits.get(key)
    if (known !== undefined) return known
    const [providerId = '', keyId = ''] = key.split(' ')
    const times = { retryAt: null, lastGoodAt: null, lastFailureAt: null, firstByteMs: null }
    const made: Circuit = { providerId, keyId, state: 'closed', failuresInARow: 0, reason: null, ...times, rests: 0, trial: false }
    this.circuits.set(key, made)
    return made
  }
}
