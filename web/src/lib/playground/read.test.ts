import { expect, test } from 'vitest'
import { Events, pieceOf } from './read.ts'
import { bodyOf } from './request.ts'

test('events come whole however the stream is cut', () => {
  const text = 'event: a\ndata: {"one":1}\r\n\ndata: [DONE]\n\n'
  for (let cut = 0; cut <= text.length; cut++) {
    const events = new Events()
    expect([...events.push(text.slice(0, cut)), ...events.push(text.slice(cut))]).toEqual(['{"one":1}', '[DONE]'])
  }
})

test.each([
  ['chat', '{"choices":[{"delta":{"content":"Hi"}}]}', { text: 'Hi' }],
  ['chat', '{"choices":[{"delta":{"reasoning_content":"hm"}}]}', { thinking: 'hm' }],
  [
    'chat',
    '{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"prompt_tokens_details":{"cached_tokens":2}}}',
    { input: 3, output: 4, cached: 2 },
  ],
  ['messages', '{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}', { text: 'Hi' }],
  [
    'messages',
    '{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":1}}}',
    { input: 8, output: 1, cached: 5 },
  ],
  ['responses', '{"type":"response.output_text.delta","delta":"Hi"}', { text: 'Hi' }],
  ['responses', '{"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4}}}', { input: 3, output: 4 }],
  ['responses', '{"type":"response.failed","response":{"error":{"message":"no"}}}', { error: 'no' }],
  ['chat', '{"error":{"message":"broken"}}', { error: 'broken' }],
  ['chat', '[DONE]', {}],
  ['chat', 'nonsense', {}],
] as const)('%s: %s', (dialect, data, piece) => {
  expect(pieceOf(dialect, data)).toEqual(piece)
})

test('each interface is asked in its own words', () => {
  const turns = [{ role: 'user' as const, text: 'Hi' }]
  expect(bodyOf('chat', 'm', 'Be kind', turns, 9)).toMatchObject({
    max_tokens: 9,
    messages: [{ role: 'system' }, { role: 'user', content: 'Hi' }],
  })
  expect(bodyOf('messages', 'm', 'Be kind', turns, 9)).toMatchObject({ max_tokens: 9, system: 'Be kind', messages: [{ role: 'user' }] })
  expect(bodyOf('responses', 'm', ' ', turns, 9)).toEqual({
    model: 'm',
    max_output_tokens: 9,
    stream: true,
    store: false,
    input: [{ role: 'user', content: 'Hi' }],
  })
})
