import { proxyActivities } from '@temporalio/workflow'
import type { ControlActivities } from './activities.ts'

/** Every control-side activity is short and may run twice; it is tried until the control plane is back. */
export const control = proxyActivities<ControlActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' },
})

/** Cosmetic: a sentence on a card is not worth a queue of retries. */
export const cosmetic = proxyActivities<Pick<ControlActivities, 'setActivity'>>({
  startToCloseTimeout: '10s',
  retry: { maximumAttempts: 2 },
})
