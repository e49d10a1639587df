import { type Failure, failureOf } from '#lib/failure.ts'
import { routes } from '#lib/routes.ts'
import { goto } from '$app/navigation'

/** One thing a person does on a page: whether it is under way, and why it did not work. Takes one click at a time. */
export class Action {
  pending = $state(false)
  failure = $state.raw<Failure | null>(null)

  /** Answers undefined when it failed (see `failure`) or when one is under way. */
  async run<T>(task: () => Promise<T>): Promise<T | undefined> {
    if (this.pending) return undefined
    this.pending = true
    this.failure = null
    try {
      return await task()
    } catch (error) {
      this.failure = failureOf(error)
      if (this.failure.code === 'not_signed_in') await goto(routes.signIn(location.pathname + location.search))
      return undefined
    } finally {
      this.pending = false
    }
  }

  clear(): void {
    this.failure = null
  }
}
