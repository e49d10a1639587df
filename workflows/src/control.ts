import { proxyActivities } from '@temporalio/workflow'
import type { ControlActivities } from './activities.ts'

const retry = { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' } as const

/** Every control-side activity is short and may run twice; it is tried until the control plane is back. */
export const control = proxyActivities<ControlActivities>({ startToCloseTimeout: '30s', retry })

/** The merge is tried for a while and then fails the task, with a reason: "Merging" must not stand on a card for ever. */
export const merging = proxyActivities<Pick<ControlActivities, 'mergeTask'>>({
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '20 minutes',
  retry,
})

/** Cosmetic: a sentence on a card is not worth a queue of retries. */
export const cosmetic = proxyActivities<Pick<ControlActivities, 'setActivity'>>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 2 },
})
