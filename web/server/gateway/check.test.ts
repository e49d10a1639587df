import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { ProviderChecks, verdictOf } from './check.ts'
import type { Provider } from './providers.ts'

let server: Server
afterEach(() => {
  server?.close()
})

/** A provider by hand: answers what it is told to, and remembers what came. */
async function provider(answer: (body: Record<string, unknown>) => [number, unknown]) {
  const asked: { url: string | undefined; key: string | undefined; body: Record<string, unknown> }[] = []
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      const body = JSON.parse(text) as Record<string, unknown>
      asked.push({ url: request.url, key: request.headers.authorization, body })
      const [status, value] = answer(body)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  const one: Provider = { name: 'test', dialect: 'openai', baseUrl, apiKey: 'sk-secret' }
  return { one, asked, checks: new ProviderChecks([one], async () => 'a-model') }
}

test('a provider is asked as agents ask it, with its key and for few tokens', async () => {
  const { asked, checks } = await provider(() => [200, { choices: [] }])
  expect(checks.last()).toBeNull()
  expect(await checks.look(false)).toMatchObject([{ name: 'test', model: 'a-model', ok: true, problem: null, fix: null }])
  expect(asked).toMatchObject([{ url: '/v1/chat/completions', key: 'Bearer sk-secret', body: { model: 'a-model', max_tokens: 16 } }])
})

test('of many who ask at once, one test serves all, and a good answer is believed for a while', async () => {
  const { asked, checks } = await provider(() => [200, { choices: [] }])
  await Promise.all([checks.look(false), checks.look(true), checks.look(false)])
  await checks.look(false)
  await checks.look(true)
  expect(asked).toHaveLength(1)
})

test('a refused key is said with the variable to set, and is not repeated', async () => {
  const { checks } = await provider(() => [401, { error: { message: 'Incorrect API key provided: sk-secret' } }])
  const [check] = await checks.look(true)
  expect(check).toMatchObject({ ok: false, problem: 'test refuses the key.', fix: expect.stringContaining('OPENAI_API_KEY') })
  expect(JSON.stringify(check)).not.toContain('sk-secret')
  expect(check?.detail).toContain('Incorrect API key')
})

test('a model that counts in its own words is asked again in them', async () => {
  const { asked, checks } = await provider((body) =>
    'max_tokens' in body ? [400, { error: { message: 'Use max_completion_tokens instead.' } }] : [200, { choices: [] }],
  )
  expect(await checks.look(true)).toMatchObject([{ ok: true }])
  expect(asked).toHaveLength(2)
})

test('who does not answer is said by name', async () => {
  const { one } = await provider(() => [200, {}])
  const silent = { ...one, baseUrl: 'http://127.0.0.1:1/v1' }
  const [check] = await new ProviderChecks([silent], async () => 'a-model').look(true)
  expect(check).toMatchObject({ ok: false, problem: 'test does not answer.', fix: expect.stringContaining('OPENAI_BASE_URL') })
})

test.each([
  [200, '<html>hello</html>', /not as a model/],
  [302, '', /did not accept/],
  [404, '{}', /does not know the model a-model/],
  [429, '{}', /takes no more work/],
  [503, 'down', /fault of its own/],
])('an answer %i %s is explained', async (status, text, problem) => {
  const one: Provider = { name: 'test', dialect: 'anthropic', baseUrl: 'http://x/v1', apiKey: '' }
  const verdict = verdictOf(one, 'a-model', status, text)
  expect(verdict.ok).toBe(false)
  expect(verdict.problem).toMatch(problem)
  expect(verdict.fix).not.toBeNull()
})
