import { RequestError } from '@agentclientprotocol/sdk'
import type { TurnResult } from '@helix/contract/link'
import { reasonOf } from '../log.ts'

type Outcome = Pick<TurnResult, 'outcome' | 'message' | 'retryable'>

const stopReasons = ['end_turn', 'cancelled', 'refusal', 'max_tokens', 'max_turn_requests'] as const

export function outcomeOfStop(stopReason: string): Outcome {
  const outcome = stopReasons.find((known) => known === stopReason)
  if (outcome !== undefined) return { outcome, message: null, retryable: false }
  return { outcome: 'error', message: `The agent ended its turn with “${stopReason}”.`, retryable: true }
}

/** Answers of the gateway that the same session gets again however often it asks. */
const final =
  /\b40[123]\b|payment required|credits?_exhausted|insufficient|out of credits|budget|unauthorized|authentication|invalid api key/i

/** The agent's own error as the end of its turn. */
export function outcomeOfError(error: unknown): Outcome {
  const details = detailsOf(error)
  const message = details.text === null ? reasonOf(error) : `${reasonOf(error)}: ${details.text}`
  return { outcome: 'error', message: message.slice(0, 2000), retryable: !final.test(`${message} ${details.raw}`) }
}

/** What an agent adds to its error: words for people, and everything for looking into. */
function detailsOf(error: unknown): { text: string | null; raw: string } {
  if (!(error instanceof RequestError) || error.data === undefined || error.data === null) return { text: null, raw: '' }
  const { data } = error
  if (typeof data === 'string') return { text: data, raw: data }
  const told = typeof data === 'object' && 'details' in data && typeof data.details === 'string'
  return { text: told ? String((data as { details: string }).details) : null, raw: JSON.stringify(data) }
}
