import { expect, test } from 'vitest'
import { countsOf } from './counts.ts'
import { StreamTap } from './stream.ts'
import { readUsage, usageWithin } from './usage.ts'

const events = {
  chat: [
    'data: {"choices":[{"delta":{"content":"Héllo \\"usage\\""}}]}\n\n',
    'data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":30,"prompt_tokens_details":{"cached_tokens":80},"completion_tokens_details":{"reasoning_tokens":20}}}\n\n',
    'data: [DONE]\n\n',
  ],
  responses: [
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"Hello"}\n\n',
    'event: response.completed\ndata: {"type":"response.completed","response":{"output":[{"text":"Hello"}],"usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":80},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":20}}}}\n\n',
  ],
  messages: [
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":15,"cache_read_input_tokens":80,"cache_creation_input_tokens":5,"output_tokens":1}}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a \\"message_stop\\" b"}}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":30}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  ],
  generate: [
    'data: {"candidates":[{"content":{"parts":[{"text":"Hello"}]}}],"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":1}}\r\n\r\n',
    'data: {"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":80,"candidatesTokenCount":10,"thoughtsTokenCount":20}}\r\n\r\n',
  ],
} as const
type Dialect = keyof typeof events

test.each(Object.keys(events) as Dialect[])('of %s, usage and the end are known wherever the stream is cut into chunks', (dialect) => {
  const bytes = Buffer.from(events[dialect].join(''))
  for (let size = 1; size <= bytes.length; size += 7) {
    const tap = new StreamTap(dialect)
    for (let at = 0; at < bytes.length; at += size) tap.lines.take(bytes.subarray(at, at + size))
    expect(tap.complete).toBe(true)
    expect(tap.usage).toMatchObject({ input: 100, output: 30, cachedInput: 80 })
    if (dialect !== 'messages') expect(tap.usage?.reasoning).toBe(20)
    else expect(tap.usage?.cacheWrite).toBe(5)
  }
})

test.each(Object.keys(events) as Dialect[])('of %s, a stream without its last event has not ended', (dialect) => {
  const tap = new StreamTap(dialect)
  for (const event of events[dialect].slice(0, -1)) tap.lines.take(Buffer.from(event))
  expect(tap.complete).toBe(false)
  expect(tap.said).toBeGreaterThan(4)
})

test('a stream that broke is counted from its bytes, and says so', () => {
  const sizes = { body: 4000, mediaBytes: 0, media: 0, said: 400 }
  expect(countsOf(null, false, sizes)).toMatchObject({ input: 1000, output: 100, estimated: true })
  const said = { input: 15, output: 1, cachedInput: 0, cacheWrite: 0, reasoning: 0 }
  expect(countsOf(said, false, sizes)).toMatchObject({ input: 15, output: 100, estimated: true })
  expect(countsOf(said, true, sizes)).toMatchObject({ input: 15, output: 1, estimated: false })
})

test('usage is found at the end of a text that is not parsed', () => {
  const text = `{"data":[${'1,'.repeat(50)}1],"usage":{"prompt_tokens":7,"total_tokens":7,"details":{"a":{}}}}`
  expect(usageWithin(null, text, null)).toMatchObject({ input: 7, output: 0 })
  expect(usageWithin(null, text.slice(0, -4), null)).toBeNull()
  expect(usageWithin(null, '{"usage":null,"x":{"prompt_tokens":1}}', null)).toBeNull()
})

test('nonsense in usage counts as nothing', () => {
  for (const usage of [null, 'x', 3, { prompt_tokens: -1, completion_tokens: 'x' }, { prompt_tokens: 1e300 }])
    expect(readUsage('chat', { usage }, null) ?? { input: 0, output: 0 }).toMatchObject({ input: 0, output: 0 })
})
