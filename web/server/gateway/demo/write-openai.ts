import type { ServerResponse } from 'node:http'
import { sendJson } from '../door/refusal.ts'
import { pieces, type Turn } from './write-anthropic.ts'

/** OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat and its streaming chunks. */
export async function writeOpenAi(turn: Turn, stream: boolean, response: ServerResponse): Promise<void> {
  const base = { id: `chatcmpl-${turn.id}`, created: Math.floor(Date.now() / 1000), model: turn.model, system_fingerprint: 'helix-demo' }
  const finish = turn.call === null ? 'stop' : 'tool_calls'
  const usage = {
    prompt_tokens: turn.inputTokens,
    completion_tokens: turn.outputTokens,
    total_tokens: turn.inputTokens + turn.outputTokens,
  }
  const calls =
    turn.call === null
      ? undefined
      : [{ id: turn.call.id, type: 'function', function: { name: turn.call.name, arguments: JSON.stringify(turn.call.input) } }]
  if (!stream) {
    const message = { role: 'assistant', content: turn.text, ...(calls ? { tool_calls: calls } : {}) }
    sendJson(response, 200, {
      ...base,
      object: 'chat.completion',
      choices: [{ index: 0, message, finish_reason: finish, logprobs: null }],
      usage,
    })
    return
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const send = (delta: object, finishReason: string | null = null): void =>
    void response.write(
      `data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason: finishReason }] })}\n\n`,
    )
  send({ role: 'assistant', content: '' })
  for (const content of pieces(turn.text)) send({ content })
  if (calls) send({ tool_calls: calls.map((call, index) => ({ index, ...call })) })
  send({}, finish)
  response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices: [], usage })}\n\n`)
  response.end('data: [DONE]\n\n')
}
