import type { TurnResult } from '@helix/contract/link'
import { type JournalLine, resultOf, type SeenPrompt } from './entry.ts'

/** What Helix says and does by itself is no answer of the agent. */
const isOurs = (payload: JournalLine['payload']): boolean =>
  payload.kind === 'notice' || payload.kind === 'checkpoint' || (payload.kind === 'tool' && payload.toolCallId.startsWith(startUpCall))

/** What the calls of start-up scripts are named by; the start's number follows. */
export const startUpCall = 'start-up.'

/** One place in the file is remembered for so many lines. */
const indexEvery = 128

/** What the lines of a journal add up to: the last number, where to read from, and the prompts that were seen. */
export class History {
  private readonly places: { sequence: number; offset: number }[] = []
  private readonly prompts = new Map<string, SeenPrompt>()
  private unfinished: SeenPrompt | null = null
  private latest: SeenPrompt['end'] = null
  private lines = 0
  private readonly requests = new Map<string, 'open' | 'ended'>()
  last = 0
  /** The last number that an earlier start wrote. */
  lastAtOpening = 0

  /** Takes the line that begins at this byte. */
  take(line: JournalLine, offset: number): void {
    if (this.lines % indexEvery === 0) this.places.push({ sequence: line.sequence, offset })
    this.lines += 1
    this.last = line.sequence
    const { payload } = line
    if (payload.kind === 'prompt') {
      this.unfinished = { prompt: { sequence: line.sequence, text: payload.text }, answered: false, end: null }
      this.prompts.set(payload.promptId, this.unfinished)
    } else if (payload.kind === 'permission') this.requests.set(payload.requestId, 'open')
    else if (payload.kind === 'permission_end') this.requests.set(payload.requestId, 'ended')
    else if (payload.kind === 'turn_end') this.end(line, resultOf(line))
    else if (!isOurs(payload) && this.unfinished !== null) this.unfinished.answered = true
  }

  private end(line: JournalLine, result: TurnResult | undefined): void {
    if (result === undefined) return
    const known = this.prompts.get(result.promptId) ?? { prompt: null, answered: false, end: null }
    known.end = { sequence: line.sequence, result }
    // The text was needed to go on with the turn only; results are kept for ever and are small.
    if (known.prompt !== null) known.prompt = { ...known.prompt, text: '' }
    this.prompts.set(result.promptId, known)
    this.latest = known.end
    this.unfinished = null
  }

  /** A prompt that the file does not tell of. */
  remember(promptId: string, result: TurnResult | null): void {
    if (this.prompts.has(promptId)) return
    const end = result === null ? null : { sequence: 0, result }
    this.prompts.set(promptId, { prompt: { sequence: 0, text: '' }, answered: false, end })
  }

  find(promptId: string): SeenPrompt | undefined {
    return this.prompts.get(promptId)
  }

  /** What became of a request for permission. */
  request(id: string): 'open' | 'ended' | undefined {
    return this.requests.get(id)
  }

  openRequests(): string[] {
    return [...this.requests].flatMap(([id, state]) => (state === 'open' ? [id] : []))
  }

  /** The newest end of a turn. */
  get latestEnd(): SeenPrompt['end'] {
    return this.latest
  }

  /** A byte at or before the entry that follows this number. */
  placeBefore(sequence: number): number {
    let low = 0
    let high = this.places.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.places[middle]?.sequence ?? 0) <= sequence + 1) low = middle + 1
      else high = middle
    }
    return this.places[low - 1]?.offset ?? 0
  }
}
