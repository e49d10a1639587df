import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const sse = { 'content-type': 'text/event-stream' }
const json = { 'content-type': 'application/json' }

const now = (): number => performance.timeOrigin + performance.now()
const usage = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 }
const message = { role: 'assistant', content: 'Hello! How can I help you today? '.repeat(8) }
const whole = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1,
  model: 'bench',
  choices: [{ index: 0, message, finish_reason: 'stop' }],
  usage,
})

/** Chunks carry their number and when they were written, so that who reads them knows how long each was on its way. */
const chunk = (sequence: number): string =>
  `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":"${sequence} ${now().toFixed(3)} "},"finish_reason":null}]}\n\n`
const last = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1,"model":"bench","choices":[],"usage":${JSON.stringify(usage)}}\n\ndata: [DONE]\n\n`

/**
 * A provider in a process of its own: OpenAI's chat completions, as cheap as can be. `max_tokens` of a stream is how many chunks it has, `seed` the milliseconds between
 * them. Begin and end of bodies alone are looked at: gateways put fields in other places.
 */
const server = createServer((request, response) => {
  let head = ''
  let tail = ''
  request.on('data', (data: Buffer) => {
    if (head.length < 400) head += data.toString('latin1', 0, 400)
    tail = (tail + data.toString('latin1', Math.max(0, data.length - 400))).slice(-400)
  })
  request.on('end', () => {
    const text = head + tail
    if (!/"stream":\s*true/.test(text)) return response.writeHead(200, json).end(whole)
    const count = Number(/"max_tokens":\s*(\d+)/.exec(text)?.[1] ?? 10)
    const paceMs = Number(/"seed":\s*(\d+)/.exec(text)?.[1] ?? 20)
    response.writeHead(200, sse)
    let sent = 0
    const timer = setInterval(() => {
      if (sent < count) return response.write(chunk(sent++))
      clearInterval(timer)
      response.end(last)
    }, paceMs)
    response.on('close', () => clearInterval(timer))
  })
})
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit(0))
