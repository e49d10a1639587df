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
  const message = describe(error).slice(0, 2000)
  return { outcome: 'error', message, retryable: !final.test(message) }
}

function describe(error: unknown): string {
  if (!(error instanceof RequestError) || error.data === undefined || error.data === null) return reasonOf(error)
  const { data } = error
  const details = typeof data === 'object' && 'details' in data && typeof data.details === 'string' ? data.details : JSON.stringify(data)
  return details === '{}' ? error.message : `${error.message}: ${details}`
}
