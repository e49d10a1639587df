import { HelixError } from '@helix/contract/errors'
import { describe, expect, test } from 'vitest'
import { readChat } from './chat.ts'
import { readGenerate } from './generate.ts'
import { readMessages } from './messages.ts'
import { readResponses } from './responses.ts'

const readers = { chat: readChat, responses: readResponses, messages: readMessages, generate: readGenerate }
type Dialect = keyof typeof readers

const user = { role: 'user', content: 'hi' }
const bases: Record<Dialect, Record<string, unknown>> = {
  chat: { model: 'm', messages: [user] },
  responses: { model: 'm', input: 'hi' },
  messages: { model: 'm', max_tokens: 10, messages: [user] },
  generate: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] },
}

function refusal(dialect: Dialect, more: Record<string, unknown>): string {
  try {
    readers[dialect]({ ...bases[dialect], ...more })
  } catch (error) {
    if (error instanceof HelixError && error.code === 'invalid_request') return error.message
    throw error
  }
  return 'taken'
}

const call = (id: string) => ({ id, type: 'function', function: { name: 'look', arguments: '{}' } })
const use = (id: string) => ({ type: 'tool_use', id, name: 'look', input: {} })
const called = (id: string) => ({ type: 'function_call', call_id: id, name: 'look', arguments: '{}' })

describe('what cannot be carried is refused, and the field is named', () => {
  const cases: [Dialect, string, Record<string, unknown>][] = [
    ['chat', 'n', { n: 2 }],
    ['chat', 'logprobs', { logprobs: true }],
    ['chat', 'logit_bias', { logit_bias: { '50256': -100 } }],
    ['chat', 'modalities', { modalities: ['text', 'audio'] }],
    ['chat', 'functions', { functions: [{ name: 'f' }] }],
    ['chat', 'tool_choice', { tool_choice: { type: 'function', function: { name: 'other' } } }],
    ['chat', 'temperature', { temperature: 9 }],
    ['chat', 'messages[0].role', { messages: [{ role: 'narrator', content: 'x' }] }],
    ['chat', 'messages[0].content', { messages: [{ role: 'user', content: 5 }] }],
    [
      'chat',
      'messages[0].content[0].image_url.url',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'file:///etc/passwd' } }] }] },
    ],
    ['chat', 'messages[0].content[0].file', { messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-1' } }] }] }],
    ['responses', 'previous_response_id', { previous_response_id: 'resp_1' }],
    ['responses', 'conversation', { conversation: 'conv_1' }],
    ['responses', 'background', { background: true }],
    ['responses', 'tools[0].type', { tools: [{ type: 'web_search' }] }],
    ['responses', 'tools[1].type', { tools: [{ type: 'function', name: 'f', parameters: {} }, { type: 'local_shell' }] }],
    ['responses', 'input', { input: [] }],
    ['responses', 'input[0]', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
    ['responses', 'input[0].arguments', { input: [{ ...called('a'), arguments: '[1]' }] }],
    ['messages', 'mcp_servers', { mcp_servers: [{ type: 'url' }] }],
    ['messages', 'container', { container: 'c' }],
    ['messages', 'tools[0].type', { tools: [{ type: 'bash_20250124', name: 'bash' }] }],
    ['messages', 'tools[0].type', { tools: [{ type: 'web_search_20250305', name: 'web_search' }] }],
    ['messages', 'tools[0].input_schema', { tools: [{ name: 'f' }] }],
    ['messages', 'max_tokens', { max_tokens: 0 }],
    [
      'messages',
      'messages[0].content[0].source',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'file', file_id: 'f' } }] }] },
    ],
    [
      'messages',
      'messages[0].content[0].source.data',
      { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: '<>' } }] }] },
    ],
    ['generate', 'generationConfig.candidateCount', { generationConfig: { candidateCount: 2 } }],
    ['generate', 'generationConfig.responseModalities', { generationConfig: { responseModalities: ['IMAGE'] } }],
    ['generate', 'cachedContent', { cachedContent: 'cachedContents/1' }],
    ['generate', 'tools[0].type', { tools: [{ googleSearch: {} }] }],
    ['generate', 'contents', { contents: [] }],
  ]
  for (const [dialect, field, more] of cases) {
    test(`${dialect}: ${field} of ${JSON.stringify(more).slice(0, 80)}`, () => {
      expect(refusal(dialect, more)).toMatch(new RegExp(`^${field.replace(/[.[\]]/g, '\\$&')}: `))
    })
  }
})

describe('calls and results must pair', () => {
  test('an id that is used twice is said', () => {
    const messages = [user, { role: 'assistant', tool_calls: [call('a'), call('a')] }, { role: 'tool', tool_call_id: 'a', content: 'x' }]
    expect(refusal('chat', { messages })).toBe('messages: the tool call id "a" is used twice')
    const blocks = [user, { role: 'assistant', content: [use('a'), use('a')] }]
    expect(refusal('messages', { messages: blocks })).toContain('used twice')
    expect(refusal('responses', { input: [called('a'), called('a')] })).toContain('used twice')
  })

  test('a call without its result is said, in the middle and at the end', () => {
    const asked = { role: 'assistant', tool_calls: [call('a')] }
    expect(refusal('chat', { messages: [user, asked] })).toContain('"a" has no result')
    expect(refusal('chat', { messages: [user, asked, user] })).toContain('"a" has no result')
    expect(refusal('messages', { messages: [user, { role: 'assistant', content: [use('a')] }, user] })).toContain('"a" has no result')
    expect(refusal('responses', { input: [called('a'), { role: 'user', content: 'x' }] })).toContain('"a" has no result')
  })

  test('a result without its call, or a second one, is said', () => {
    const result = { role: 'tool', tool_call_id: 'a', content: 'x' }
    expect(refusal('chat', { messages: [user, result] })).toContain('answers no tool call')
    expect(refusal('chat', { messages: [user, { role: 'assistant', tool_calls: [call('a')] }, result, result] })).toContain(
      'answered twice',
    )
    const response = { functionResponse: { name: 'look', response: {} } }
    expect(refusal('generate', { contents: [{ role: 'user', parts: [response] }] })).toContain('answers no functionCall')
  })

  test('arguments that are no JSON object are said', () => {
    const bad = { id: 'a', type: 'function', function: { name: 'look', arguments: '{"a":' } }
    expect(refusal('chat', { messages: [user, { role: 'assistant', tool_calls: [bad] }] })).toBe(
      'messages[1].tool_calls[0].function.arguments: is not a JSON object',
    )
  })
})

test('Google’s names in snake_case are read too, and the client’s own stay as they are', () => {
  const contents = [
    { role: 'user', parts: [{ inline_data: { mime_type: 'image/png', data: 'aGk=' } }] },
    { role: 'model', parts: [{ function_call: { name: 'look', args: { some_name: 1 } } }] },
    { role: 'user', parts: [{ function_response: { name: 'look', response: { output: 'x' } } }] },
  ]
  const question = readGenerate({
    contents,
    system_instruction: { parts: [{ text: 'Be kind.' }] },
    generation_config: { max_output_tokens: 7 },
  })
  expect(question.maxOutputTokens).toBe(7)
  expect(question.prompt[0]).toMatchObject({ role: 'system', content: 'Be kind.' })
  expect(question.prompt[2]).toMatchObject({ content: [{ type: 'tool-call', input: { some_name: 1 } }] })
})

test('calls of the same function without ids are answered in order', () => {
  const calls = { role: 'model', parts: [1, 2].map((at) => ({ functionCall: { name: 'look', args: { at } } })) }
  const answers = { role: 'user', parts: ['one', 'two'].map((output) => ({ functionResponse: { name: 'look', response: { output } } })) }
  const { prompt } = readGenerate({ contents: [{ role: 'user', parts: [{ text: 'x' }] }, calls, answers] })
  const [, asked, answered] = prompt
  const ids = asked?.role === 'assistant' ? asked.content.map((part) => (part.type === 'tool-call' ? part.toolCallId : '')) : []
  expect(new Set(ids).size).toBe(2)
  expect(answered).toMatchObject({
    content: ids.map((toolCallId, index) => ({ toolCallId, output: { value: index === 0 ? 'one' : 'two' } })),
  })
})
