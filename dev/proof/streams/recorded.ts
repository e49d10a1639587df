import type { ConversationDialect } from '@helix/web/server/gateway/ports/candidate.ts'

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
const words = ['Hé', 'llo, ', 'wörld €', ' 😀', ' "quoted" \\ and\n', 'end.']

function chat(): string {
  const base = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }
  const chunk = (delta: object, finish: string | null = null): string =>
    `data: ${JSON.stringify({ ...base, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'bash', arguments: '{"command":"ls"}' } }
  const usage = { prompt_tokens: 100, completion_tokens: 30, total_tokens: 130 }
  const end = `data: ${JSON.stringify({ ...base, choices: [], usage })}\n\ndata: [DONE]\n\n`
  return [
    chunk({ role: 'assistant', content: '' }),
    ': keep-alive\n\n',
    ...words.map((content) => chunk({ content })),
    chunk({ tool_calls: [call] }),
    chunk({}, 'tool_calls'),
    end,
  ].join('')
}

function responses(): string {
  const deltas = words.map((delta, at) =>
    event('response.output_text.delta', { sequence_number: at + 1, item_id: 'msg_1', output_index: 0, delta }),
  )
  const output = [{ type: 'message', id: 'msg_1', role: 'assistant', content: [{ type: 'output_text', text: words.join('') }] }]
  const usage = { input_tokens: 100, output_tokens: 30, total_tokens: 130 }
  const created = event('response.created', { sequence_number: 0, response: { id: 'resp_1', status: 'in_progress', output: [] } })
  return [
    created,
    ...deltas,
    event('response.completed', { sequence_number: 9, response: { id: 'resp_1', status: 'completed', output, usage } }),
  ].join('')
}

function messages(): string {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    usage: { input_tokens: 100, output_tokens: 1 },
  }
  const deltas = words.map((text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }))
  return [
    event('message_start', { message }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('ping', {}),
    ...deltas,
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 30 } }),
    event('message_stop', {}),
  ].join('')
}

function generate(): string {
  const one = (text: string, at: number): string => {
    const last = at === words.length - 1
    const candidate = { content: { role: 'model', parts: [{ text }] }, index: 0, ...(last ? { finishReason: 'STOP' } : {}) }
    const usageMetadata = { promptTokenCount: 100, candidatesTokenCount: (at + 1) * 5, totalTokenCount: 130 }
    return `data: ${JSON.stringify({ candidates: [candidate], usageMetadata, modelVersion: 'm' })}\r\n\r\n`
  }
  return words.map(one).join('')
}

/** An answer in each dialect as its provider streams it, with letters of several bytes, tools and comments. All of 100 tokens in and 30 out. */
export const recorded: Readonly<Record<ConversationDialect, Buffer>> = {
  chat: Buffer.from(chat()),
  responses: Buffer.from(responses()),
  messages: Buffer.from(messages()),
  generate: Buffer.from(generate()),
}

export const paths: Readonly<Record<ConversationDialect, string>> = {
  chat: '/v1/chat/completions',
  responses: '/v1/responses',
  messages: '/v1/messages?beta=true',
  generate: '/v1beta/models/m:streamGenerateContent?alt=sse',
}
