import type { HelixEvent } from '@helix/contract/events'
import { checkProviders, getOnboarding, type Onboarding, updateOnboarding } from '@helix/contract/onboarding'
import { untrack } from 'svelte'
import { call } from '#lib/api.ts'
import { type Failure, failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { Action } from '#lib/ui/action.svelte.ts'

const moves = new Set<HelixEvent['type']>([
  'host.changed',
  'project.changed',
  'repository.created',
  'task.created',
  'task.changed',
  'task.activity',
  'access.changed',
])
/** Units: milliseconds. A host that falls silent sends no event. */
const againMs = 10_000

/** The first steps, kept current while the page is open. */
export class Welcome {
  value = $state.raw<Onboarding>() as Onboarding
  failure = $state.raw<Failure | null>(null)
  readonly testing = new Action()
  readonly hiding = new Action()

  constructor(first: Onboarding, since: string | null) {
    this.value = first
    const read = collapse(() => this.read(), 800)
    follow(since, (event) => moves.has(event.type) && read(), read)
    $effect(() => {
      if (!first.inference.demo) untrack(() => void this.test(false))
      const timer = setInterval(() => document.visibilityState === 'visible' && read(), againMs)
      return () => clearInterval(timer)
    })
  }

  async read(): Promise<void> {
    try {
      this.value = await call(getOnboarding, {})
      this.failure = null
    } catch (error) {
      this.failure = failureOf(error)
    }
  }

  async test(fresh: boolean): Promise<void> {
    const answer = await this.testing.run(() => call(checkProviders, { body: { fresh } }))
    if (answer !== undefined) this.value = { ...this.value, inference: { ...this.value.inference, checks: answer.items } }
  }

  async hide(dismissed: boolean): Promise<boolean> {
    const answer = await this.hiding.run(() => call(updateOnboarding, { body: { dismissed } }))
    if (answer !== undefined) this.value = { ...this.value, dismissed: answer.dismissed }
    return answer !== undefined
  }
}
