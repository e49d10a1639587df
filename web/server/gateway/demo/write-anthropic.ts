import type { ServerResponse } from 'node:http'
import { sendJson } from '../door/refusal.ts'

/** One answer of the script: words, and at most one tool call. */
export interface Turn {
  id: string
  model: string
  text: string
  call: { id: string; name: string; input: Record<string, string> } | null
  inputTokens: number
  outputTokens: number
}

/** Words in small pieces, so that streaming shows. */
export function* pieces(text: string): Generator<string> {
  yield* text.match(/\S+\s*|\s+/g) ?? []
}

/** Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and its streaming events. */
export async function writeAnthropic(turn: Turn, stream: boolean, response: ServerResponse): Promise<void> {
  const base = { id: `msg_${turn.id}`, type: 'message', role: 'assistant', model: turn.model, stop_sequence: null }
  const stop = turn.call === null ? 'end_turn' : 'tool_use'
  const usage = { input_tokens: turn.inputTokens, output_tokens: turn.outputTokens }
  const toolUse = turn.call === null ? [] : [{ type: 'tool_use', id: turn.call.id, name: turn.call.name, input: turn.call.input }]
  if (!stream) {
    sendJson(response, 200, { ...base, content: [{ type: 'text', text: turn.text }, ...toolUse], stop_reason: stop, usage })
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const send = (type: string, data: object): void => void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`)
  send('message_start', { message: { ...base, content: [], stop_reason: null, usage: { ...usage, output_tokens: 0 } } })
  send('content_block_start', { index: 0, content_block: { type: 'text', text: '' } })
  for (const text of pieces(turn.text)) send('content_block_delta', { index: 0, delta: { type: 'text_delta', text } })
  send('content_block_stop', { index: 0 })
  if (turn.call !== null) {
    send('content_block_start', { index: 1, content_block: { type: 'tool_use', id: turn.call.id, name: turn.call.name, input: {} } })
    send('content_block_delta', { index: 1, delta: { type: 'input_json_delta', partial_json: JSON.stringify(turn.call.input) } })
    send('content_block_stop', { index: 1 })
  }
  send('message_delta', { delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: turn.outputTokens } })
  send('message_stop', {})
  response.end()
}
