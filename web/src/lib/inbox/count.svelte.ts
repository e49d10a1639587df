import { countInbox, type InboxCounts } from '@helix/contract/inbox'
import { call } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'
import { movesInbox } from './kinds.ts'

/** How much needs the person, for the rail; kept current while the frame lives. */
export class InboxCount {
  value = $state.raw<InboxCounts | null>(null)

  constructor(first: InboxCounts | null, userId: string) {
    this.value = first
    const read = collapse(() => this.read(), 300)
    follow(null, (event) => movesInbox(event, userId) && read(), read)
    // What was snoozed comes back by itself, and no event tells of it.
    $effect(() => {
      const timer = setInterval(() => (this.value?.snoozed ?? 0) > 0 && read(), 60_000)
      return () => clearInterval(timer)
    })
  }

  private async read(): Promise<void> {
    try {
      this.value = await call(countInbox, {})
    } catch (error) {
      // A count that is old for a moment is no reason to interrupt.
      console.warn(failureOf(error).message)
    }
  }
}
