import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerAsDemo } from '@helix/web/server/gateway/demo/answer.ts'
import { messagesVendor } from '@helix/web/server/gateway/testing/vendor-messages.ts'
import express from 'express'

const model = 'claude-scripted-1'

export interface AnthropicServer extends AsyncDisposable {
  url: string
  apiKey: string
  /** What of requests broke Anthropic’s description: empty when all is well. */
  problems: string[]
  asked: number
}

/** A server that speaks Anthropic’s Messages and nothing else, answers with the script of the demo, and checks what it is asked as Anthropic does. */
export async function startAnthropicServer(apiKey = 'sk-ant-scripted'): Promise<AnthropicServer> {
  const app = express()
  const state = { problems: [] as string[], asked: 0 }
  const refuse = (message: string) => ({ type: 'error', error: { type: 'invalid_request_error', message } })
  app.get(
    '/v1/models',
    (_request, response) => void response.json({ data: [{ type: 'model', id: model, display_name: 'Scripted' }], has_more: false }),
  )
  app.post('/v1/messages', express.json({ limit: '32mb' }), async (request, response) => {
    state.asked++
    try {
      messagesVendor.check({ path: request.path, headers: request.headers, body: request.body })
    } catch (error) {
      state.problems.push((error as Error).message)
      return void response.status(400).json(refuse((error as Error).message))
    }
    if (request.headers['x-api-key'] !== apiKey) return void response.status(401).json(refuse('invalid x-api-key'))
    await answerAsDemo('anthropic', request.path, request.body, response, model)
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await new Promise<void>((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    apiKey,
    get problems() {
      return state.problems
    },
    get asked() {
      return state.asked
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
