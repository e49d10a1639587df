import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Turnstiles } from './choice/turnstiles.ts'
import { candidateAt, type Heard, openTestGateway, sample, type TestGateway, TestProvider, testKey } from './testing.ts'

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
    expect(await gateway.metered()).toMatchObject([{ status: 499, counts: { input: 0, output: 0 } }])
    expect(ended).toEqual(['released'])
  })

  test('in the middle pays for what was said, by an estimate', async () => {
    provider.play = (_request, response) => response.writeHead(200, sse).write(chunks[0])
    const leave = new AbortController()
    const answer = await gateway.ask('/v1/chat/completions', chat, { signal: leave.signal })
    await answer.body?.getReader().read()
    leave.abort()
    await provider.heard[0]?.hungUp
    const [call] = await gateway.metered()
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
    expect((await gateway.metered(5))[0]).toMatchObject({ providerId: 'p2', attempts: 2, asked: 'm', model: 'n', status: 200 })
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
    expect(await gateway.metered()).toMatchObject([{ attempts: 2, status: 200 }])
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
      /\n\nevent: error\ndata: \{"type":"error".*"error":\{.*\n\nevent: response\.failed\ndata: .*\n\n$/,
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
  expect((await gateway.metered(4)).every(({ status, counts }) => status === 502 && counts.estimated)).toBe(true)
})
