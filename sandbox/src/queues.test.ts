import * as messages from '@helix/workflows/messages'
import { expect, test } from 'vitest'
import { hostQueue, sandboxQueue } from './queues.ts'

test('the host polls the queues that workflows use', () => {
  expect(sandboxQueue).toBe(messages.sandboxQueue)
  expect(hostQueue('hst_1', 'boot')).toBe(messages.hostQueue('hst_1', 'boot'))
})
