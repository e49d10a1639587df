import { RequestError } from '@agentclientprotocol/sdk'
import { expect, test } from 'vitest'
import { outcomeOfError, outcomeOfStop } from './outcome.ts'
import { gooseCode } from './recipes/goose-code.ts'

test('every stop reason of the protocol is an outcome, an unknown one is an error', () => {
  expect(outcomeOfStop('max_turn_requests')).toEqual({ outcome: 'max_turn_requests', message: null, retryable: false })
  expect(outcomeOfStop('coffee')).toMatchObject({ outcome: 'error', retryable: true })
})

test.for([
  [new RequestError(-32603, 'Please check your account to add more credits', { reason: 'credits_exhausted' }), false],
  [new RequestError(-32000, 'Authentication required'), false],
  [new RequestError(-32603, 'Internal error', { details: 'API Error: 402 The provider said no.' }), false],
  [new RequestError(-32603, 'Internal error', { details: 'API Error: 500 overloaded' }), true],
  [new Error('something else'), true],
] as const)('%s can be tried again in the same session: %s', ([error, retryable]) => {
  expect(outcomeOfError(error)).toMatchObject({ outcome: 'error', retryable })
})

test('what goose says when it cannot ask its model is told from what it says otherwise', () => {
  const retry = '\n\nPlease retry if you think this is a transient or recoverable error.'
  const failure = (words: string) => gooseCode.failureIn?.(words)
  expect(failure(`Half a senRan into this error: Server error: 503.${retry}`)).toEqual({ reason: 'Server error: 503', passing: true })
  expect(failure(`Ran into this error: Request failed: Bad request (400): no..${retry}`)).toMatchObject({ passing: false })
  expect(failure('Network error: check.\n\nPlease resend your message to try again.')).toMatchObject({ passing: true })
  expect(failure(`The log says "Ran into this error: x${retry}" and so I fixed it.`)).toBeNull()
  expect(failure('')).toBeNull()
})
