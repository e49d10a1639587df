import type { HealthKey, HealthPart, HealthState } from '@helix/contract/health'

/** What one look at a part found. */
export interface Finding {
  state: HealthState
  text: string
  fix?: string
  /** In the words of what failed; it is remembered after the part is well again. */
  error?: string | undefined
  /** When it failed, where that is known better than by this look. */
  errorAt?: Date | undefined
}

/** Remembers since when each part is as it is, and its last error. */
export class HealthLog {
  private readonly parts = new Map<HealthKey, HealthPart>()

  record(key: HealthKey, { state, text, fix, error, errorAt }: Finding, latencyMs: number, now: Date): HealthPart {
    const before = this.parts.get(key)
    const since = before?.state === state ? before.since : now.toISOString()
    const lastError = error === undefined ? (before?.lastError ?? null) : { text: error.slice(0, 500), at: (errorAt ?? now).toISOString() }
    const part: HealthPart = { key, state, text, fix: fix ?? null, since, latencyMs: Math.round(latencyMs), lastError }
    this.parts.set(key, part)
    return part
  }
}
