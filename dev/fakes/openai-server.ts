import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { answerAsDemo } from '@helix/web/server/gateway/demo/answer.ts'
import express from 'express'

/**
 * An OpenAI-compatible server for machines that reach no real one: chat completions, streamed or not, and models, behind an API key. It answers
 * with the script of the demo provider under a name of its own; to the control plane it is a configured provider like any other.
 */
const model = 'scripted-1'

export interface OpenAiServer extends AsyncDisposable {
  url: string
  apiKey: string
  handle(request: IncomingMessage, response: ServerResponse): void
}

export async function startOpenAiServer(port = 0, apiKey = 'sk-scripted'): Promise<OpenAiServer> {
  const app = express()
  app.use((request, response, next) => {
    if (request.header('authorization') === `Bearer ${apiKey}`) return next()
    response
      .status(401)
      .json({ error: { message: 'Incorrect API key provided.', type: 'invalid_request_error', param: null, code: 'invalid_api_key' } })
  })
  app.get('/v1/models', (_request, response) => {
    response.json({ object: 'list', data: [{ id: model, object: 'model', created: 0, owned_by: 'helix-dev' }] })
  })
  app.post('/v1/chat/completions', express.json({ limit: '32mb' }), async (request, response) => {
    await answerAsDemo('openai', request.path, request.body, response, model)
  })
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${bound}/v1`,
    apiKey,
    handle: (request, response) => void app(request, response),
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '9400' } } })
  const server = await startOpenAiServer(Number(values.port))
  process.stdout.write(`OPENAI_BASE_URL=${server.url} OPENAI_API_KEY=${server.apiKey}\n`)
}
