import { HelixError } from '@helix/contract/errors'
import { ApplicationFailure } from '@temporalio/common'
import { EngineError } from '../engine/engine.ts'
import { reasonOf } from '../reason.ts'

/** The start that was meant is over: the session goes on with a new one, here or elsewhere. */
export function sessionLost(reason: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(reason, 'SessionLost')
}

/**
 * What an activity throws. Only what stays wrong however often it is tried is not retried: an answer of the control plane that refuses. An engine or
 * a control plane that does not answer comes back.
 */
export function failureOf(error: unknown): Error {
  if (error instanceof HelixError) {
    const temporary = error.status >= 500 || error.code === 'rate_limited'
    return ApplicationFailure.create({ message: error.message, type: error.code, nonRetryable: !temporary, cause: error })
  }
  if (error instanceof EngineError) {
    const type = error.kind === 'unreachable' ? 'DockerUnavailable' : 'DockerFailed'
    return ApplicationFailure.create({ message: error.message, type, cause: error })
  }
  // fetch's own errors.
  if (error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError')) {
    return ApplicationFailure.create({
      message: `The control plane does not answer: ${reasonOf(error)}`,
      type: 'ControlPlaneUnavailable',
      cause: error,
    })
  }
  return error instanceof Error ? error : new Error(String(error))
}
