import type { Candidate } from '../ports/candidate.ts'
import { keyOf } from './key.ts'
import { Turnstile } from './turnstile.ts'

/** One for each key of a provider that ever limited us. */
export class Turnstiles {
  private readonly all = new Map<string, Turnstile>()

  of(candidate: Candidate): Turnstile {
    const key = keyOf(candidate)
    const known = this.all.get(key)
    if (known !== undefined) return known
    const made = new Turnstile()
    this.all.set(key, made)
    return made
  }
}
