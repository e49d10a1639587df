import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Asked {
  method: string | undefined
  url: string | undefined
  headers: Record<string, string | string[] | undefined>
  body: Record<string, unknown> | null
}

export interface MockProvider extends AsyncDisposable {
  /** Origin alone. */
  origin: string
  asked: Asked[]
  /** What it answers, by the end of the path; the first that fits. */
  answers: [path: RegExp, status: number, body: unknown][]
}

/** A provider by hand: answers what it is told to, and remembers what came. */
export async function openMockProvider(...answers: MockProvider['answers']): Promise<MockProvider> {
  const asked: Asked[] = []
  const mock = { asked, answers }
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      asked.push({ method: request.method, url: request.url, headers: request.headers, body: text === '' ? null : JSON.parse(text) })
      const [, status, body] = mock.answers.find(([path]) => path.test(request.url ?? '')) ?? [null, 404, { error: 'not there' }]
      response.writeHead(status, { 'content-type': 'application/json' }).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const dispose = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return Object.assign(mock, { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: dispose })
}

export const well: MockProvider['answers'] = [
  [/\/models\?/, 200, { models: [{ name: 'models/gemini-2.5-flash' }], data: [{ id: 'claude-haiku-4-5' }] }],
  [/\/models$/, 200, { object: 'list', data: [{ id: 'gpt-5-mini' }, { id: 'own-model' }] }],
  [/chat\/completions|messages|generateContent/, 200, { choices: [{ message: { content: 'ok' } }] }],
]
