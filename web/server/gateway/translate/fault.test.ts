import { APICallError } from '@ai-sdk/provider'
import { expect, test } from 'vitest'
import type { Candidate } from '../ports/candidate.ts'
import { faultOf } from './fault.ts'

test('a refusal keeps its status, its words and how long the provider asks to be left alone', () => {
  const asked = { url: 'http://vendor', requestBodyValues: {}, responseBody: '', message: 'Slow down' }
  const error = new APICallError({ ...asked, statusCode: 429, responseHeaders: { 'retry-after': '7' } })
  const candidate = { provider: 'Vendor', model: 'm' } as Candidate
  expect(faultOf(error, candidate)).toEqual({ status: 429, message: 'Vendor: Slow down', code: null, retryAfterMs: 7000 })
  expect(faultOf(new APICallError({ ...asked, statusCode: 500 }), candidate)).toMatchObject({ status: 500, retryAfterMs: null })
})
