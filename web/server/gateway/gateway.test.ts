import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { candidateAt, openTestGateway, sample, type TestGateway, TestProvider, testKey } from './testing.ts'

const { chat, sse, json, chunks, whole } = sample

let provider: TestProvider
let gateway: TestGateway
beforeEach(async () => {
  provider = await TestProvider.open()
  gateway = await openTestGateway([candidateAt(provider)])
})
afterEach(async () => {
  await gateway[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})

test('responses, generateContent and embeddings pass as they are, and are counted', async () => {
  const gemini = candidateAt(provider, { kind: 'gemini', baseUrl: `${provider.url}/v1beta`, speaks: ['generate'], model: 'gemini-x' })
  const done = 'data: {"type":"response.completed","response":{"usage":{"input_tokens":5,"output_tokens":2}}}\n\n'
  provider.play = (_request, response) => response.writeHead(200, sse).end(done)
  expect(await (await gateway.ask('/v1/responses', { model: 'm', stream: true, input: 'x' })).text()).toBe(done)
  gateway.candidates = [gemini]
  const answer = '{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":4,"candidatesTokenCount":1}}'
  provider.play = (request, response) => {
    if (request.url?.includes('alt=sse')) response.writeHead(200, sse).end(`data: ${answer}\n\n`)
    else response.writeHead(200, json).end(answer)
  }
  const streamed = `/v1beta/models/fast:streamGenerateContent?alt=sse&key=${testKey}`
  expect(await (await gateway.ask(streamed, { contents: [] }, { headers: { authorization: '' } })).status).toBe(401)
  const asked = await fetch(`${gateway.url}${streamed}`, { method: 'POST', body: '{"contents":[]}' })
  expect(await asked.text()).toBe(`data: ${answer}\n\n`)
  const body = { contents: [], generationConfig: { maxOutputTokens: 5 } }
  const one = await gateway.ask('/v1/models/fast:generateContent', body, { headers: { authorization: '', 'x-goog-api-key': testKey } })
  expect([one.status, await one.text()]).toEqual([401, expect.stringContaining('UNAUTHENTICATED')])
  expect(provider.heard.at(-1)).toMatchObject({
    url: '/v1beta/models/gemini-x:streamGenerateContent?alt=sse',
    headers: { 'x-goog-api-key': 'provider-key' },
  })
  gateway.candidates = [candidateAt(provider)]
  provider.play = (_request, response) => response.writeHead(200, json).end('{"data":[],"usage":{"prompt_tokens":9,"total_tokens":9}}')
  expect((await gateway.ask('/v1/embeddings', { model: 'm', input: 'x' })).status).toBe(200)
  expect((await gateway.metered(3)).map(({ dialect, operation, counts }) => [dialect, operation, counts.input, counts.output])).toEqual([
    ['responses', 'converse', 5, 2],
    ['generate', 'converse', 4, 1],
    [null, 'embeddings', 9, 0],
  ])
})

test('an alias is replaced by the provider’s name of the model, and nothing else of the body is touched', async () => {
  gateway.candidates = [candidateAt(provider, { model: 'real/model "x"' })]
  provider.play = (_request, response) => response.writeHead(200, json).end(whole)
  await gateway.ask('/v1/chat/completions', '{ "messages" : [ ] ,"é":1.0, "model":  "fast","stream":false}')
  expect(provider.heard[0]?.body.toString()).toBe('{ "messages" : [ ] ,"é":1.0, "model":  "real/model \\"x\\"","stream":false}')
  expect(await gateway.metered()).toMatchObject([{ asked: 'fast', model: 'real/model "x"' }])
})

test('sound and forms pass untouched, with the model read from the form', async () => {
  const sound = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 256))
  provider.play = (_request, response) => response.writeHead(200, { 'content-type': 'audio/mpeg' }).end(sound)
  const spoken = await gateway.ask('/v1/audio/speech', { model: 'm', input: 'hello' })
  expect([spoken.headers.get('content-type'), Buffer.from(await spoken.arrayBuffer()).equals(sound)]).toEqual(['audio/mpeg', true])
  provider.play = (_request, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('hello')
  const form = new FormData()
  form.append('file', new Blob([sound]), 'a.mp3')
  form.append('model', 'm')
  const text = await gateway.ask('/v1/audio/transcriptions', form)
  expect(await text.text()).toBe('hello')
  expect(provider.heard[1]?.body.includes(sound)).toBe(true)
  expect(provider.heard[1]?.headers['content-type']).toMatch(/^multipart\/form-data/)
  form.delete('model')
  expect((await gateway.ask('/v1/audio/transcriptions', form)).status).toBe(400)
})

test('an answer that comes compressed all the same is passed plain, and counted', async () => {
  const text = chunks.join('')
  for (const [encoding, bytes] of [
    ['gzip', gzipSync(text)],
    ['br', brotliCompressSync(text)],
  ] as const) {
    provider.play = (_request, response) => {
      response.writeHead(200, { ...sse, 'content-encoding': encoding })
      for (const byte of bytes) response.write(Buffer.from([byte]))
      response.end()
    }
    const answer = await gateway.ask('/v1/chat/completions', chat)
    expect([await answer.text(), answer.headers.get('content-encoding')]).toEqual([text, null])
  }
  provider.play = (_request, response) => response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(whole))
  expect(await (await gateway.ask('/v1/chat/completions', { ...chat, stream: false })).text()).toBe(whole)
  provider.play = (_request, response) =>
    response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(gzipSync(whole).subarray(0, 20))
  expect((await gateway.ask('/v1/chat/completions', { ...chat, stream: false })).status).toBe(502)
  expect(provider.heard[0]?.headers['accept-encoding']).toBe('identity')
  expect((await gateway.metered(4)).map(({ counts }) => counts.output)).toEqual([3, 3, 3, 0])
})

test('a line of a megabyte and letters cut in two pass whole', async () => {
  const text = `data: {"choices":[{"delta":{"content":"${'Hé€'.repeat(400_000)}"}}]}\n\n${chunks.slice(1).join('')}`
  provider.play = (_request, response) => {
    response.writeHead(200, sse)
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += 9973) response.write(bytes.subarray(at, at + 9973))
    response.end()
  }
  expect((await (await gateway.ask('/v1/chat/completions', chat)).text()) === text).toBe(true)
  expect(await gateway.metered()).toMatchObject([{ counts: { output: 3, estimated: false } }])
})

test('errors are in the words of the caller', async () => {
  gateway.candidates = []
  const none = { model: 'x' }
  const codes = async (path: string) => (await (await gateway.ask(path, none)).json()) as Record<string, unknown>
  expect(await codes('/v1/chat/completions')).toMatchObject({ error: { code: 'not_found', type: 'invalid_request_error' } })
  expect(await codes('/v1/messages')).toMatchObject({ type: 'error', error: { type: 'not_found_error' } })
  expect(await codes('/v1beta/models/x:generateContent')).toMatchObject({ error: { code: 404, status: 'NOT_FOUND' } })
})

test('models are listed in every dialect', async () => {
  const ask = async (path: string, headers: Record<string, string>) =>
    (await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${testKey}`, ...headers } })).json()
  expect(await ask('/v1/models', {})).toMatchObject({ object: 'list', data: [{ id: 'm', object: 'model' }] })
  expect(await ask('/v1/models/m', {})).toMatchObject({ id: 'm' })
  expect(await ask('/v1/models', { 'anthropic-version': '2023-06-01' })).toMatchObject({
    data: [{ type: 'model', id: 'm' }],
    has_more: false,
  })
  expect(await ask('/v1beta/models', {})).toMatchObject({ models: [{ name: 'models/m' }] })
})

test('tokens are counted from the bytes where no provider counts in the dialect', async () => {
  const counted = await gateway.ask('/v1/messages/count_tokens?beta=true', {
    model: 'm',
    messages: [{ role: 'user', content: 'x'.repeat(4000) }],
  })
  expect(((await counted.json()) as { input_tokens: number }).input_tokens).toBeGreaterThan(1000)
  expect(await gateway.metered()).toMatchObject([{ operation: 'count_tokens', microUsd: 0, counts: { input: 0 } }])
})
