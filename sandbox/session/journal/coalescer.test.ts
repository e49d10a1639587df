import type { JournalPayload } from '@helix/contract/sessions'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Coalescer } from './coalescer.ts'

let chunks: Extract<JournalPayload, { kind: 'chunk' }>[]
let coalescer: Coalescer
beforeEach(() => {
  vi.useFakeTimers()
  chunks = []
  coalescer = new Coalescer((payload) => payload.kind === 'chunk' && chunks.push(payload))
})
afterEach(() => vi.useRealTimers())

const texts = () => chunks.map(({ text }) => text)

test('words of 150 ms become one chunk', () => {
  for (const word of ['Add', 'ed ', 'it.']) coalescer.push('agent', word, null)
  expect(chunks).toEqual([])
  vi.advanceTimersByTime(150)
  expect(texts()).toEqual(['Added it.'])
  coalescer.push('agent', ' More.', null)
  vi.advanceTimersByTime(150)
  expect(new Set(chunks.map(({ messageId }) => messageId)).size).toBe(1)
})

test('2 KB are written at once, and a piece far over it is cut', () => {
  coalescer.push('agent', 'x'.repeat(2048), null)
  expect(texts()).toEqual(['x'.repeat(2048)])
  coalescer.push('agent', 'y'.repeat(100_000), null)
  expect(chunks.every(({ text }) => text.length <= 16 * 1024)).toBe(true)
  expect(texts().join('')).toBe('x'.repeat(2048) + 'y'.repeat(100_000))
})

test('another role, another message of the agent, or an event in between begins a new message', () => {
  coalescer.push('thought', 'Hm.', 'a')
  coalescer.push('agent', 'Yes.', 'a')
  coalescer.push('agent', 'No.', 'b')
  coalescer.endMessage()
  coalescer.push('agent', 'Again.', 'b')
  coalescer.endMessage()
  expect(texts()).toEqual(['Hm.', 'Yes.', 'No.', 'Again.'])
  expect(new Set(chunks.map(({ messageId }) => messageId)).size).toBe(4)
})

test('a pair of surrogates that came in two pieces stays whole', () => {
  coalescer.push('agent', 'smile \ud83d', null)
  vi.advanceTimersByTime(150)
  coalescer.push('agent', '\ude00!', null)
  coalescer.endMessage()
  expect(texts()).toEqual(['smile ', '😀!'])
  coalescer.push('agent', '😀'.repeat(20_000), null)
  coalescer.endMessage()
  expect(chunks.every(({ text }) => text.isWellFormed())).toBe(true)
})
