/**
 * The names of the queues as `workflows/src/messages.ts` gives them (a test compares). Importing that file as a value loads the workflow SDK,
 * about 10 MB that an activity-only process does not need.
 */
export const sandboxQueue = 'sandbox'
export const hostQueue = (hostId: string, bootId: string): string => `sandbox-${hostId}-${bootId}`
