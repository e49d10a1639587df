import type { IncomingMessage, ServerResponse } from 'node:http'

export interface ModelMessage {
  role: string
  content: unknown
}

/** What the scripted model does next: say something and end, run a command, or use the tool whose name ends so. */
export type Move = { say: string } | { run: string } | { use: string; with: object } | { status: number; body: unknown }

/** A tool that the agent offers, and what it is called with. */
export type Used = { name: string; input: object }

/** Decides by the whole conversation, so that it goes on where a restarted agent stands. */
export type Script = (messages: ModelMessage[], request: { tools: string[] }) => Move | Promise<Move>

/** An OpenAI-compatible endpoint whose model is a script. */
export function scriptedModel(script: Script) {
  let calls = 0
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (!request.url?.endsWith('/chat/completions')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data: [] }))
      return
    }
    let text = ''
    for await (const chunk of request) text += chunk
    const body = JSON.parse(text) as { messages: ModelMessage[]; tools?: { function: { name: string } }[]; stream?: boolean; model: string }
    const tools = (body.tools ?? []).map((tool) => tool.function.name)
    const move = await script(body.messages, { tools })
    if (response.destroyed) return
    if ('status' in move) {
      response.writeHead(move.status, { 'content-type': 'application/json' }).end(JSON.stringify(move.body))
      return
    }
    calls += 1
    if ('say' in move) return answer(response, body.model, move, `call_${calls}`)
    const shell = tools.find((name) => /shell|bash|command/i.test(name)) ?? 'shell'
    const used = 'run' in move ? { name: shell, input: { command: move.run } } : usedOf(move, tools)
    answer(response, body.model, used, `call_${calls}`)
  }
}

export function usedOf(move: { use: string; with: object }, tools: readonly string[]): Used {
  const name = tools.find((tool) => tool.endsWith(move.use))
  if (name === undefined) throw new Error(`no tool ends with ${move.use}: ${tools.join(', ')}`)
  return { name, input: move.with }
}

function answer(response: ServerResponse, model: string, move: { say: string } | Used, callId: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (delta: unknown, finish: string | null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`,
    )
  if ('say' in move) {
    for (const word of move.say.split(/(?<= )/)) send({ role: 'assistant', content: word }, null)
    send({}, 'stop')
  } else {
    const call = { index: 0, id: callId, type: 'function', function: { name: move.name, arguments: JSON.stringify(move.input) } }
    send({ role: 'assistant', content: null, tool_calls: [call] }, null)
    send({}, 'tool_calls')
  }
  response.write(
    `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model, choices: [], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })}\n\n`,
  )
  response.end('data: [DONE]\n\n')
}

/** The newest text of a role in the conversation. */
export function lastText(messages: ModelMessage[], role: string): string {
  const message = messages.findLast((candidate) => candidate.role === role)
  if (message === undefined) return ''
  if (typeof message.content === 'string') return message.content
  return JSON.stringify(message.content)
}
