import { ActivityFailure, ApplicationFailure, proxyActivities, TimeoutFailure } from '@temporalio/workflow'
import type { HostActivities, SharedSandboxActivities } from './activities.ts'
import { sandboxQueue } from './messages.ts'

export const shared = proxyActivities<SharedSandboxActivities>({
  taskQueue: sandboxQueue,
  startToCloseTimeout: '30s',
  scheduleToStartTimeout: '15s',
  retry: { maximumAttempts: 1 },
})

/** The loop below owns the retries: a retry by Temporal would go to the same, perhaps dead, queue. */
const once = { maximumAttempts: 1 }
export const onHost = (taskQueue: string) => ({
  quick: proxyActivities<HostActivities>({
    taskQueue,
    startToCloseTimeout: '3 minutes',
    heartbeatTimeout: '20s',
    scheduleToStartTimeout: '8s',
    retry: once,
  }),
  /** Clones and the project's start-up script take their time; the heartbeat tells when the host is gone. */
  start: proxyActivities<HostActivities>({
    taskQueue,
    startToCloseTimeout: '25 minutes',
    heartbeatTimeout: '20s',
    scheduleToStartTimeout: '8s',
    retry: once,
  }),
  turn: proxyActivities<HostActivities>({
    taskQueue,
    startToCloseTimeout: '24 hours',
    heartbeatTimeout: '15s',
    scheduleToStartTimeout: '8s',
    retry: once,
  }),
})

/** What a host's answer to a start is called when no further try can help: somebody has to change something first. */
const hopeless = 'ImageUnavailable'

/** Trying again, here or elsewhere, would end the same. */
export const isHopeless = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === hopeless

/** Why an activity of a host did not end well, for people. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof ActivityFailure)) return String(error).slice(0, 300)
  const { cause } = error
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === 'SCHEDULE_TO_START' ? 'The sandbox host does not answer' : 'The sandbox host went silent'
  return (cause?.message ?? error.message).slice(0, 500)
}
