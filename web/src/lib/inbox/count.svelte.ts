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
