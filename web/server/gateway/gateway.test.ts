import { connect, type Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Turnstiles } from './choice/turnstiles.ts'
import { candidateAt, type Heard, openTestGateway, type TestGateway, TestProvider, testKey } from './testing.ts'

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

const chat = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }
const sse = { 'content-type': 'text/event-stream' }
const json = { 'content-type': 'application/json' }
const chunks = [
  'data: {"choices":[{"delta":{"content":"Héllo"}}]}\n\n',
  'data: {"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n',
  'data: [DONE]\n\n',
]
const whole = '{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}'

async function metered(count = 1) {
  for (let look = 0; gateway.calls.length < count && look < 400; look++) await new Promise((resolve) => setTimeout(resolve, 10))
  return gateway.calls
}

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
  expect((await metered(3)).map(({ dialect, operation, counts }) => [dialect, operation, counts.input, counts.output])).toEqual([
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
  expect(await metered()).toMatchObject([{ asked: 'fast', model: 'real/model "x"' }])
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
  expect((await metered(4)).map(({ counts }) => counts.output)).toEqual([3, 3, 3, 0])
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
  expect(await metered()).toMatchObject([{ counts: { output: 3, estimated: false } }])
})

describe('who leaves', () => {
  test('before the first byte has the provider’s side ended within 100 ms, and pays nothing', async () => {
    const ended: string[] = []
    gateway.parts.holds.reserve = () => ({ settle: () => ended.push('settled'), release: () => ended.push('released') })
    const arrived = new Promise<Heard>((resolve) => {
      provider.play = (_request, _response, heard) => resolve(heard)
    })
    const leave = new AbortController()
    const asked = gateway.ask('/v1/chat/completions', chat, { signal: leave.signal }).catch(() => null)
    const { hungUp } = await arrived
    const left = performance.now()
    leave.abort()
    expect((await hungUp) - left).toBeLessThan(100)
    await asked
    expect(await metered()).toMatchObject([{ status: 499, counts: { input: 0, output: 0 } }])
    expect(ended).toEqual(['released'])
  })

  test('in the middle pays for what was said, by an estimate', async () => {
    provider.play = (_request, response) => response.writeHead(200, sse).write(chunks[0])
    const leave = new AbortController()
    const answer = await gateway.ask('/v1/chat/completions', chat, { signal: leave.signal })
    await answer.body?.getReader().read()
    leave.abort()
    await provider.heard[0]?.hungUp
    const [call] = await metered()
    expect(call).toMatchObject({ status: 499, counts: { estimated: true } })
    expect(call?.counts.input).toBeGreaterThan(10)
    expect(call?.counts.output).toBeGreaterThan(0)
  })
})

describe('a body', () => {
  const raw = (text: string, more?: (socket: Socket) => Promise<void>): Promise<string> =>
    new Promise((resolve) => {
      let answer = ''
      const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1', () => {
        socket.write(text)
        void more?.(socket)
      })
      socket.on('data', (data) => {
        answer += data
      })
      socket.on('close', () => resolve(answer))
      socket.on('error', () => undefined)
    })
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${testKey}\r\n`

  test('of 100 MB is refused before it is held', async () => {
    const answer = await raw(`${head}content-length: 104857600\r\n\r\n{`)
    expect(answer).toMatch(/^HTTP\/1.1 413 [\s\S]*"code":"too_large"/)
    let held = 0
    const pieces = await raw(`${head}transfer-encoding: chunked\r\n\r\n`, async (socket) => {
      const piece = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(1024 * 1024, ' '), Buffer.from('\r\n')])
      for (let sent = 0; sent < 100 && !socket.destroyed; sent++) {
        if (!socket.write(piece)) await new Promise((resolve) => void socket.once('drain', resolve).once('close', resolve))
        held = Math.max(held, process.memoryUsage().arrayBuffers)
      }
    })
    expect(pieces).toMatch(/^HTTP\/1.1 413 /)
    expect(held).toBeLessThan(90 * 1024 * 1024)
    expect(provider.heard).toHaveLength(0)
  })

  test('that comes drop by drop is not waited for', async () => {
    await gateway[Symbol.asyncDispose]()
    gateway = await openTestGateway([candidateAt(provider)], { bodies: { pauseMs: 50 } })
    expect(await raw(`${head}content-length: 1000\r\n\r\n{"model"`)).toMatch(/^HTTP\/1.1 400 [\s\S]*too slowly/)
  })

  test('may be compressed, but is no bomb', async () => {
    provider.play = (_request, response) => response.writeHead(200, json).end(whole)
    const headers = { 'content-encoding': 'gzip' }
    expect((await gateway.ask('/v1/chat/completions', gzipSync(JSON.stringify(chat)), { headers })).status).toBe(200)
    expect((await gateway.ask('/v1/chat/completions', gzipSync(Buffer.alloc(64 * 1024 * 1024)), { headers })).status).toBe(413)
    expect((await gateway.ask('/v1/chat/completions', 'x', { headers })).status).toBe(400)
  })
})

describe('several who may answer', () => {
  test('are tried until one does, and only before the first byte', async () => {
    await using other = await TestProvider.open()
    gateway.candidates = [candidateAt(provider), candidateAt(other, { providerId: 'p2', provider: 'other', model: 'n', rank: 1 })]
    other.play = (_request, response) => response.writeHead(200, json).end(whole)
    for (const status of [401, 429, 500, 503, 529]) {
      provider.play = (_request, response) => response.writeHead(status, json).end('{}')
      expect((await gateway.ask('/v1/chat/completions', { ...chat, stream: false })).status).toBe(200)
      gateway.parts.breaker.good('p1 k1', null)
      gateway.parts.turnstiles = new Turnstiles()
    }
    expect(other.heard[0]?.body.toString()).toContain('"model":"n"')
    expect((await metered(5))[0]).toMatchObject({ providerId: 'p2', attempts: 2, asked: 'm', model: 'n', status: 200 })
    provider.play = (_request, response) => response.writeHead(400, json).end('{"error":"bad"}')
    expect((await gateway.ask('/v1/chat/completions', chat)).status).toBe(400)
    provider.play = (_request, response) => {
      response.writeHead(200, sse).write(chunks[0])
      setTimeout(() => response.destroy(), 20)
    }
    const heard = other.heard.length
    expect(await (await gateway.ask('/v1/chat/completions', chat)).text()).toContain('provider_failed')
    expect(other.heard).toHaveLength(heard)
  })

  test('a provider that says when to come again is asked then', async () => {
    let asked = 0
    provider.play = (_request, response) => {
      if (asked++ === 0) response.writeHead(429, { ...json, 'retry-after-ms': '60' }).end('{"error":"slow down"}')
      else response.writeHead(200, json).end(whole)
    }
    const begun = performance.now()
    expect((await gateway.ask('/v1/chat/completions', chat)).status).toBe(200)
    expect(performance.now() - begun).toBeGreaterThan(50)
    expect(await metered()).toMatchObject([{ attempts: 2, status: 200 }])
  })

  test('a refused key is no fault of the caller', async () => {
    provider.play = (_request, response) => response.writeHead(401, json).end('{"error":"invalid key sk-secret"}')
    const answer = await gateway.ask('/v1/chat/completions', chat)
    expect([answer.status, await answer.text()]).toEqual([502, expect.not.stringContaining('sk-secret')])
    expect(gateway.gateway.health()).toMatchObject([{ state: 'open', reason: 'test refuses the key.' }])
    const next = await gateway.ask('/v1/chat/completions', chat)
    expect([next.status, next.headers.get('retry-after')]).toEqual([502, '5'])
    expect(provider.heard).toHaveLength(1)
  })
})

describe('a provider', () => {
  test('that hangs is given up, before the head and in the middle', async () => {
    await gateway[Symbol.asyncDispose]()
    gateway = await openTestGateway([candidateAt(provider)], { upstream: { headMs: 100, pauseMs: 100 } })
    provider.play = () => undefined
    const silent = await gateway.ask('/v1/chat/completions', chat)
    expect([silent.status, await silent.text()]).toEqual([502, expect.stringContaining('does not answer in time')])
    provider.play = (_request, response) => response.writeHead(200, sse).write(chunks[0])
    const text = await (await gateway.ask('/v1/chat/completions', chat)).text()
    expect(text).toMatch(/^data: \{"choices".*\n\ndata: \{"error":.*provider_failed/)
  })

  test('of an organisation is not reached on a private address', async () => {
    gateway.candidates = [candidateAt(provider, { guarded: true })]
    const answer = await gateway.ask('/v1/chat/completions', chat)
    expect([answer.status, await answer.text()]).toEqual([502, expect.stringContaining('not an address of the public internet')])
    expect(provider.heard).toHaveLength(0)
  })

  test('is told what the policy adds, and no header can begin another', async () => {
    provider.play = (_request, response) => response.writeHead(200, json).end(whole)
    gateway.policy = { ...gateway.policy, headers: { 'x-team': 'a' }, masked: [{ name: 'TOKEN', value: 'geheim-wert' }] }
    const secret = { ...chat, messages: [{ role: 'user', content: 'my geheim-wert' }] }
    await gateway.ask('/v1/chat/completions', secret, { headers: { 'openai-organization': 'org-x', 'x-other': 'y' } })
    expect(provider.heard[0]?.headers).toMatchObject({ 'x-team': 'a', authorization: 'Bearer provider-key' })
    expect(Object.keys(provider.heard[0]?.headers ?? {})).not.toEqual(expect.arrayContaining(['openai-organization']))
    expect(provider.heard[0]?.body.toString()).not.toContain('geheim-wert')
    for (const headers of [{ 'x-a': 'a\r\nx-b: c' }, { 'x-a\r\nb': 'c' }, { authorization: 'x' }, { Host: 'y' }]) {
      gateway.policy = { ...gateway.policy, headers: headers as unknown as Record<string, string> }
      expect((await gateway.ask('/v1/chat/completions', chat)).status).toBe(502)
    }
    expect(provider.heard).toHaveLength(1)
  })
})

test('a stream that breaks is ended in the words of its dialect, behind whole events', async () => {
  const anthropic = candidateAt(provider, { kind: 'anthropic', speaks: ['messages'] })
  const gemini = candidateAt(provider, { kind: 'gemini', speaks: ['generate'] })
  const cases = [
    ['/v1/chat/completions', candidateAt(provider), /\n\ndata: \{"error":\{"message":"[^\n]*"code":"provider_failed"\}\}\n\n$/],
    [
      '/v1/responses',
      candidateAt(provider),
      /\n\nevent: response\.failed\ndata: .*\n\nevent: error\ndata: \{"type":"error".*"error":\{.*\n\n$/,
    ],
    ['/v1/messages', anthropic, /\n\nevent: error\ndata: \{"type":"error","error":\{"type":"api_error".*\n\n$/],
    ['/v1/models/m:streamGenerateContent?alt=sse', gemini, /\n\ndata: \{"error":\{"code":502,.*"status":"UNAVAILABLE"\}\}\n\n$/],
  ] as const
  for (const [path, candidate, end] of cases) {
    gateway.candidates = [candidate]
    provider.play = (_request, response) => {
      response.writeHead(200, sse).write('event: x\ndata: {"a":1}\n\nevent: y\ndata: {"half')
      setTimeout(() => response.destroy(), 20)
    }
    const text = await (await gateway.ask(path, chat)).text()
    expect(text).toMatch(end)
    expect(text).not.toContain('half')
  }
  expect((await metered(4)).every(({ status, counts }) => status === 502 && counts.estimated)).toBe(true)
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
  expect(await metered()).toMatchObject([{ operation: 'count_tokens', microUsd: 0, counts: { input: 0 } }])
})

test('a stored response is its organisation’s alone: who goes on with it pays for all of it', async () => {
  const reserved: number[] = []
  gateway.parts.holds.reserve = (_scope, { tokens }) => {
    reserved.push(tokens)
    return { settle: () => undefined, release: () => undefined }
  }
  const answer = '{"id":"resp_1","object":"response","usage":{"input_tokens":5000,"output_tokens":200}}'
  provider.play = (_request, response) => response.writeHead(200, json).end(answer)
  const get = (id: string, method = 'GET') =>
    fetch(`${gateway.url}/v1/responses/${id}`, { method, headers: { authorization: `Bearer ${testKey}` } })
  expect((await get('resp_1')).status).toBe(404)
  const more = { model: 'm', input: 'x', max_output_tokens: 10 }
  expect((await gateway.ask('/v1/responses', { ...more, previous_response_id: 'resp_1' })).status).toBe(404)
  await gateway.ask('/v1/responses', more)
  expect((await gateway.ask('/v1/responses', { ...more, previous_response_id: 'resp_1' })).status).toBe(200)
  expect(reserved[1]).toBeGreaterThan((reserved[0] ?? 0) + 5200)
  expect(await (await get('resp_1')).text()).toBe(answer)
  expect((await get('../files')).status).toBe(404)
  expect((await get('resp_1', 'DELETE')).status).toBe(200)
  expect((await get('resp_1')).status).toBe(404)
  expect((await gateway.ask('/v1/responses', { ...more, background: true })).status).toBe(400)
})

test('a list of files shows what is the organisation’s own', async () => {
  provider.play = (request, response) => {
    response.writeHead(200, json)
    response.end(request.method === 'POST' ? '{"id":"file-1"}' : '{"object":"list","data":[{"id":"file-1"},{"id":"file-of-others"}]}')
  }
  const form = new FormData()
  form.append('purpose', 'assistants')
  form.append('file', new Blob(['x']), 'a.txt')
  expect(await (await gateway.ask('/v1/files', form)).json()).toEqual({ id: 'file-1' })
  const headers = { authorization: `Bearer ${testKey}` }
  expect(await (await fetch(`${gateway.url}/v1/files`, { headers })).json()).toEqual({ object: 'list', data: [{ id: 'file-1' }] })
  expect((await fetch(`${gateway.url}/v1/files/file-of-others`, { headers })).status).toBe(404)
  expect((await fetch(`${gateway.url}/v1/files/file-1/content`, { headers })).status).toBe(200)
})
