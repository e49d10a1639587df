import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ModelMessage, type Script, type Used, usedOf } from './scripted-model.ts'

/** An Anthropic-compatible endpoint whose model is the same kind of script. */
export function scriptedClaude(script: Script) {
  let calls = 0
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request) text += chunk
    const path = new URL(request.url ?? '/', 'http://model').pathname
    if (path.endsWith('/count_tokens')) return json(response, 200, { input_tokens: 10 })
    if (!path.endsWith('/messages')) return json(response, 404, { type: 'error', error: { type: 'not_found_error', message: path } })
    const body = JSON.parse(text) as { messages: ModelMessage[]; tools?: { name: string }[]; model: string }
    const tools = (body.tools ?? []).map((tool) => tool.name)
    const messages = body.messages.map((message) => (hasToolResult(message) ? { ...message, role: 'tool' } : message))
    const move = await script(messages, { tools })
    if (response.destroyed) return
    if ('status' in move) return json(response, move.status, move.body)
    calls += 1
    const bash = 'run' in move ? { name: 'Bash', input: { command: move.run, description: 'as scripted' } } : null
    stream(response, body.model, 'say' in move ? move : (bash ?? usedOf(move as { use: string; with: object }, tools)), `toolu_${calls}`)
  }
}

function hasToolResult({ content }: ModelMessage): boolean {
  return Array.isArray(content) && content.some((block) => block.type === 'tool_result')
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function stream(response: ServerResponse, model: string, move: { say: string } | Used, callId: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (type: string, rest: object) => response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`)
  const usage = { input_tokens: 1, output_tokens: 1 }
  send('message_start', {
    message: { id: `msg_${callId}`, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage },
  })
  const [block, delta] =
    'say' in move
      ? [
          { type: 'text', text: '' },
          { type: 'text_delta', text: move.say },
        ]
      : [
          { type: 'tool_use', id: callId, name: move.name, input: {} },
          { type: 'input_json_delta', partial_json: JSON.stringify(move.input) },
        ]
  send('content_block_start', { index: 0, content_block: block })
  send('content_block_delta', { index: 0, delta })
  send('content_block_stop', { index: 0 })
  send('message_delta', {
    delta: { stop_reason: 'say' in move ? 'end_turn' : 'tool_use', stop_sequence: null },
    usage: { output_tokens: 1 },
  })
  send('message_stop', {})
  response.end()
}
