import type { ResponseOf } from '@helix/contract/endpoint'
import { getSystem } from '@helix/contract/system'
import { call } from '#lib/api.ts'
import { failureOf } from '#lib/failure.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow } from '#lib/live/live.svelte.ts'

type System = ResponseOf<typeof getSystem>

/** What the installation lacks, kept current while the frame lives. */
export class SystemState {
  value = $state.raw<System | null>(null)

  constructor(first: System | null) {
    this.value = first
    const read = collapse(() => this.read(), 1000)
    follow(
      null,
      (event) => {
        const ends = event.type === 'task.changed' && event.status === 'merged' && this.value?.gettingStarted
        if (event.type === 'host.changed' || ends) read()
      },
      read,
    )
  }

  /** What a page's loading brought. */
  take(next: System | null): void {
    if (next !== null) this.value = next
  }

  private async read(): Promise<void> {
    try {
      this.value = await call(getSystem, {})
    } catch (error) {
      // The banner shows the last known state; the page itself says when nothing answers.
      console.warn(failureOf(error).message)
    }
  }
}
