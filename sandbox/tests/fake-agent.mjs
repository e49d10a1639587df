#!/opt/helix/node
// An agent that speaks just enough ACP on its standard streams: it echoes a prompt, and sleeps where it is told "sleep <seconds>".
import { createInterface } from 'node:readline'

const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const sleeping = new Map()

function end(sessionId, stopReason) {
  const turn = sleeping.get(sessionId)
  if (turn === undefined) return
  clearTimeout(turn.timer)
  sleeping.delete(sessionId)
  write({ id: turn.id, result: { stopReason } })
}

function prompt(id, { sessionId, prompt: parts }) {
  const text = parts.map((part) => part.text ?? '').join('')
  const say = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `echo: ${text}` } }
  write({ method: 'session/update', params: { sessionId, update: say } })
  const seconds = Number(/sleep (\d+)/.exec(text)?.[1] ?? 0)
  sleeping.set(sessionId, { id, timer: setTimeout(() => end(sessionId, 'end_turn'), seconds * 1000) })
}

const answers = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: { loadSession: true }, authMethods: [] }),
  'session/new': () => ({ sessionId: 'fake' }),
  'session/load': () => ({}),
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line)
  if (method === 'session/prompt') prompt(id, params)
  else if (method === 'session/cancel') end(params.sessionId, 'cancelled')
  else if (answers[method] !== undefined) write({ id, result: answers[method]() })
  else if (id !== undefined) write({ id, error: { code: -32601, message: `no ${method}` } })
})
