import { type Call, createClient } from '@helix/contract/client'
import type { Endpoint } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import {
  assessTask,
  claimSlot,
  loadTask,
  locateSession,
  mergeTask,
  openSession,
  placeSession,
  preparePrompt,
  recordSession,
  recordStep,
  recordTurn,
  releaseSlot,
  remindReviewers,
  setActivity,
} from '@helix/contract/internal'
import type { ControlActivities } from '@helix/workflows/activities'
import { ApplicationFailure } from '@temporalio/common'

/** Units: milliseconds. Shorter than the activity's own limit, so that a hung request is retried and says why. */
const requestMs = 20_000

/** Asking again cannot help with an answer of the 400s; everything else is tried until it works. */
function asFailure(error: unknown): unknown {
  if (!(error instanceof HelixError)) return error
  const retry = error.status >= 500 || error.code === 'conflict' || error.code === 'rate_limited'
  if (retry) return ApplicationFailure.retryable(error.message, error.code)
  return ApplicationFailure.nonRetryable(`${error.message} (request ${error.requestId})`, error.code)
}

function ask(call: Call, endpoint: Endpoint): (input: Record<string, unknown>) => Promise<unknown> {
  const names = [...endpoint.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1] ?? '')
  return async (input) => {
    const params = Object.fromEntries(names.map((name) => [name, input[name]]))
    const body = Object.fromEntries(Object.entries(input).filter(([name]) => !names.includes(name)))
    try {
      return await call(endpoint, { params, body, signal: AbortSignal.timeout(requestMs) } as never)
    } catch (error) {
      throw asFailure(error)
    }
  }
}

const endpoints = {
  loadTask,
  recordStep,
  setActivity,
  claimSlot,
  releaseSlot,
  openSession,
  preparePrompt,
  assessTask,
  mergeTask,
  locateSession,
  placeSession,
  recordSession,
  recordTurn,
  remindReviewers,
} satisfies Record<keyof ControlActivities, Endpoint>

/** Each control-side activity is one call of the control plane's internal API. */
export function createControlActivities(baseUrl: string, token: string): ControlActivities {
  const call = createClient({ baseUrl, token })
  return Object.fromEntries(
    Object.entries(endpoints).map(([name, endpoint]) => [name, ask(call, endpoint)]),
  ) as unknown as ControlActivities
}
