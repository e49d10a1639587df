import type { SessionId } from '@helix/contract/ids'
import { getRecording } from '@helix/contract/recordings'
import { getContext, onMount, setContext } from 'svelte'
import { call } from '#lib/api.ts'
import { collapse } from '#lib/live/collapse.ts'
import { follow, live } from '#lib/live/live.svelte.ts'

/** Units: milliseconds. */
const readPauseMs = 3000
/** What happened just before the first picture is shown by it. */
const nearMs = 5000

/** Which moments of a conversation are on the recording of its session’s desktop. */
export class Recorded {
  private span = $state.raw<{ fromMs: number; toMs: number } | null>(null)

  /** Where the moment is shown; null: it is not recorded. */
  linkTo(at: string): string | null {
    const ms = Date.parse(at)
    if (this.span === null || ms < this.span.fromMs - nearMs || ms > this.span.toMs + nearMs) return null
    return `?tab=recording&at=${ms}`
  }

  async read(sessionId: SessionId): Promise<void> {
    const { span } = await call(getRecording, { params: { sessionId }, query: { brief: 1 } })
    this.span = span
  }
}

const key = Symbol('recorded')

/** For what the component shows of this session’s conversation. */
export function provideRecorded(sessionId: () => SessionId | null): void {
  const recorded = setContext(key, new Recorded())
  // Without it the conversation has no links into the recording, and is whole otherwise.
  const read = collapse(async () => {
    const id = sessionId()
    if (id !== null) await recorded.read(id).catch(() => undefined)
  }, readPauseMs)
  follow(live.position(), (event) => event.type === 'session.changed' && event.sessionId === sessionId() && read(), read)
  onMount(read)
}

export const useRecorded = (): Recorded | undefined => getContext<Recorded | undefined>(key)
