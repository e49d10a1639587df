import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openSession, recordSession } from '@helix/contract/internal'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { addProject, addTask } from '../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

type Play = (request: IncomingMessage, response: ServerResponse, body: string) => void

/** A provider by hand on a real socket: it does what the test says, and keeps what it was asked. */
const upstream = {
  play: ((_request, response) => response.end()) as Play,
  seen: [] as { url: string; headers: IncomingMessage['headers']; body: string }[],
  cut: false,
}
const provider = createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => {
    body += chunk
  })
  request.on('end', () => {
    upstream.seen.push({ url: request.url ?? '', headers: request.headers, body })
    upstream.play(request, response, body)
  })
})

let server: TestServer
let demo: TestServer
let person: Person

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  const keys = { OPENAI_BASE_URL: url, OPENAI_API_KEY: 'provider-key', ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'other-key' }
  ;[server, demo] = [await openTestServer(keys), await openTestServer()]
  person = await server.addPerson()
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await demo[Symbol.asyncDispose]()
  provider.closeAllConnections()
  provider.close()
})
beforeEach(async () => {
  upstream.seen.length = 0
  await server.context.gateway.written()
  await server.context.db('usage').delete()
})

const chat = { model: 'm', stream: true, messages: [{ role: 'user', content: 'hi' }] }
const message = { model: 'm', stream: true, max_tokens: 10, messages: [{ role: 'user', content: 'hi' }] }

function ask(path: string, body: object, key: string = person.apiKey, on = server, signal: AbortSignal | null = null): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  return fetch(`${on.url}/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body), signal })
}

async function usageRows(count = 1): Promise<Record<string, unknown>[]> {
  for (let look = 0; look < 200; look++) {
    const rows = await server.context.db('usage').orderBy('created_at')
    if (rows.length >= count) return rows
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('no usage row came')
}

const sse = { 'content-type': 'text/event-stream' }
const chunks = [
  'data: {"choices":[{"delta":{"content":"Héllo"}}]}\n\n',
  'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n',
  'data: [DONE]\n\n',
]

test('a stream passes byte for byte and as it comes, with the provider’s key and not the caller’s', async () => {
  let goOn: () => void = () => {}
  upstream.play = (_request, response) => {
    response.writeHead(200, sse)
    response.write(chunks[0])
    goOn = () => response.end(`${chunks[1]}${chunks[2]}`)
  }
  const response = await ask('/chat/completions', chat)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = (await reader?.read())?.value ?? ''
  expect(text).toBe(chunks[0])
  goOn()
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) text += part.value
  expect(text).toBe(chunks.join(''))
  expect(upstream.seen[0]?.headers.authorization).toBe('Bearer provider-key')
  expect(JSON.stringify(upstream.seen)).not.toContain(person.apiKey)
  expect(JSON.parse(upstream.seen[0]?.body ?? '')).toMatchObject({ ...chat, stream_options: { include_usage: true } })
  expect(await usageRows()).toMatchObject([{ org_id: person.orgId, input_tokens: 7, output_tokens: 3, status: 200, model: 'm' }])
})

test('Anthropic’s dialect passes with its own headers, and its usage is read', async () => {
  const events = [
    'event: message_start\ndata: {"type":"message_start","message":{"usage":{"input_tokens":11,"output_tokens":1}}}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","usage":{"output_tokens":5}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
  ].join('')
  upstream.play = (_request, response) => response.writeHead(200, sse).end(events)
  expect(await (await ask('/messages?beta=true', message)).text()).toBe(events)
  expect(upstream.seen[0]).toMatchObject({
    url: '/v1/messages?beta=true',
    headers: { 'x-api-key': 'other-key', 'anthropic-version': '2023-06-01' },
  })
  expect(await usageRows()).toMatchObject([{ input_tokens: 11, output_tokens: 5, dialect: 'messages' }])
})

test('a row says all that is known of a call', async () => {
  upstream.play = (_request, response) => response.writeHead(200, sse).end(chunks.join(''))
  const task = await addTask(person, await addProject(person))
  const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'row' } })
  const { mintSessionToken } = await import('../identity/tokens.ts')
  const { db } = server.context
  const token = await mintSessionToken(db, { orgId: person.orgId, sessionId, epoch: 1 })
  await db('prompts').insert({ id: 'pmt_1', org_id: person.orgId, session_id: sessionId, kind: 'plan', text: 'x', state: 'running' })
  const answer = await ask('/chat/completions', chat, token)
  await answer.text()
  const { project_id, started_by } = await db('agent_sessions').where({ id: sessionId }).first()
  expect(await usageRows()).toMatchObject([
    {
      ...{ org_id: person.orgId, project_id, task_id: task.id, session_id: sessionId, user_id: started_by, prompt_id: 'pmt_1', step: 0 },
      ...{ operation: 'converse', dialect: 'chat', asked_model: 'm', model: 'm', input_tokens: 7, output_tokens: 3, cached_tokens: 0 },
      ...{ estimated: false, streamed: true, attempts: 1, status: 200, request_id: answer.headers.get('x-request-id'), micro_usd: 0 },
    },
  ])
  const before = { first_byte_ms: expect.any(Number), provider_id: expect.any(String), key_prefix: null }
  expect((await usageRows())[0]).toMatchObject(before)
})

test('a caller who leaves ends the provider’s side too', async () => {
  const closed = new Promise<void>((resolve) => {
    upstream.play = (_request, response) => {
      response.writeHead(200, sse).write(chunks[0])
      response.on('close', () => resolve())
    }
  })
  const leave = new AbortController()
  const response = await ask('/chat/completions', chat, person.apiKey, server, leave.signal)
  await response.body?.getReader().read()
  leave.abort()
  await closed
  expect(await usageRows()).toMatchObject([{ status: 499 }])
})

describe('a provider that fails', () => {
  test('by nonsense is named, with a code and the request id, and counted', async () => {
    upstream.play = (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Bad gateway</html>')
    const response = await ask('/chat/completions', chat)
    expect(response.status).toBe(502)
    expect(await response.json()).toMatchObject({
      error: {
        code: 'provider_failed',
        message: expect.stringMatching(/answered 200 with "text\/html".*\(provider_failed, request \S+\)/),
      },
    })
    expect(await usageRows()).toMatchObject([{ status: 502, input_tokens: 0 }])
  })

  test('by JSON that is none is nonsense too', async () => {
    upstream.play = (_request, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"choices": [')
    expect((await ask('/chat/completions', { ...chat, stream: false })).status).toBe(502)
  })

  test('in the middle of a stream ends it with an error the client can read, never as if it were whole', async () => {
    upstream.play = (_request, response) => {
      response.writeHead(200, sse).write(chunks[0])
      setTimeout(() => response.destroy(), 50)
    }
    const text = await (await ask('/chat/completions', chat)).text()
    expect(text).toContain(chunks[0])
    expect(text).not.toContain('[DONE]')
    expect(text).toMatch(/"code":"provider_failed"/)
    upstream.play = (_request, response) => response.writeHead(200, sse).end('event: message_start\ndata: {"type":"message_start"}\n\n')
    expect(await (await ask('/messages', message)).text()).toMatch(/event: error\ndata: \{"type":"error"/)
  })

  test('by refusing keeps its own status and words', async () => {
    const refusal = '{"error":{"message":"Rate limit","type":"rate_limit_error"}}'
    upstream.play = (_request, response) => response.writeHead(429, { 'content-type': 'application/json' }).end(refusal)
    const response = await ask('/chat/completions', chat)
    expect([response.status, await response.text()]).toEqual([429, refusal])
  })

  test('by being away is said so', async () => {
    await using away = await openTestServer({ OPENAI_BASE_URL: 'http://127.0.0.1:1', OPENAI_API_KEY: 'k' })
    const { apiKey } = await away.addPerson()
    const response = await ask('/chat/completions', chat, apiKey, away)
    expect([response.status, await response.text()]).toEqual([502, expect.stringContaining('does not answer')])
    const other = await ask('/messages', message, apiKey, away)
    expect([other.status, await other.text()]).toEqual([502, expect.stringContaining('does not answer')])
  })
})

describe('the door', () => {
  test('is closed to strangers, in the words of each dialect', async () => {
    const openai = await ask('/chat/completions', chat, 'hx_wrong')
    expect([openai.status, await openai.json()]).toEqual([401, { error: expect.objectContaining({ code: 'not_signed_in' }) }])
    const anthropic = await ask('/messages', message, 'hs_wrong')
    expect([anthropic.status, await anthropic.json()]).toEqual([401, expect.objectContaining({ type: 'error' })])
    const cookie = await fetch(`${server.url}/v1/models`, { headers: { cookie: 'helix=x', authorization: `Bearer ${person.apiKey}` } })
    expect(cookie.status).toBe(401)
  })

  test('tells a session that has stopped to stop', async () => {
    const task = await addTask(person, await addProject(person))
    const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
    const { hashSecret } = await import('../identity/hashing.ts')
    await server.context
      .db('session_tokens')
      .insert({ token_hash: hashSecret('hs_test'), session_id: sessionId, org_id: person.orgId, epoch: 1 })
    upstream.play = (_request, response) => response.writeHead(200, sse).end(chunks.join(''))
    expect((await ask('/chat/completions', chat, 'hs_test')).status).toBe(200)
    expect(await usageRows()).toMatchObject([{ session_id: sessionId, task_id: task.id }])
    await server.worker(recordSession, { params: { sessionId }, body: { epoch: 1, state: 'stopped', reason: null } })
    const refused = await ask('/chat/completions', chat, 'hs_test')
    expect([refused.status, ((await refused.json()) as { error: { code: string } }).error.code]).toEqual([402, 'budget_exhausted'])
  })

  test('is closed at the next call to a key that was revoked, a person who was put out, and a session whose token was replaced', async () => {
    upstream.play = (_request, response) => response.writeHead(200, sse).end(chunks.join(''))
    const { db } = server.context
    const status = async (key: string) => (await ask('/chat/completions', chat, key)).status
    // PostgreSQL tells of a change a moment after it; before a second has gone nothing is asked again by itself.
    const becomes = (key: string, code: number) => expect.poll(() => status(key), { timeout: 900, interval: 20 }).toBe(code)
    const one = await server.addPerson()
    expect([await status(one.apiKey), await status(one.apiKey)]).toEqual([200, 200])
    await db('api_keys').where({ org_id: one.orgId }).update({ revoked_at: db.fn.now() })
    await becomes(one.apiKey, 401)
    const other = await server.addPerson()
    expect(await status(other.apiKey)).toBe(200)
    await db.transaction(async (trx) => {
      await trx('memberships').where({ org_id: other.orgId }).update({ deactivated_at: trx.fn.now() })
    })
    await becomes(other.apiKey, 401)
    const task = await addTask(person, await addProject(person))
    const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k2' } })
    const { mintSessionToken } = await import('../identity/tokens.ts')
    const token = await mintSessionToken(db, { orgId: person.orgId, sessionId, epoch: 1 })
    expect(await status(token)).toBe(200)
    const next = await mintSessionToken(db, { orgId: person.orgId, sessionId, epoch: 2 })
    await becomes(token, 402)
    expect(await status(next)).toBe(200)
  })

  test('takes no nonsense', async () => {
    for (const body of ['', '[]', '"text"', '{', 'null'])
      expect(
        (await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers: { authorization: `Bearer ${person.apiKey}` }, body }))
          .status,
      ).toBe(400)
    expect(await (await ask('/embeddings', {})).json()).toMatchObject({ error: { message: expect.stringMatching(/^model: /) } })
    expect((await ask('/nothing', {})).status).toBe(404)
    upstream.play = (_request, response) => response.writeHead(200, sse).end(chunks.join(''))
    expect((await ask('/chat/completions', { ...chat, model: 'a\u0000b\ud800' })).status).toBe(200)
  })
})

describe('without a provider', () => {
  test('a script answers, and cannot be taken for a model', async () => {
    const { apiKey } = await demo.addPerson()
    const models = await (await fetch(`${demo.url}/v1/models`, { headers: { authorization: `Bearer ${apiKey}` } })).text()
    expect(models).toContain('a script, not a model')
    const streamed = await (await ask('/chat/completions', chat, apiKey, demo)).text()
    expect(streamed).toContain('[demo]')
    expect(streamed.trimEnd().endsWith('data: [DONE]')).toBe(true)
    const whole = (await (await ask('/messages', { ...message, stream: false }, apiKey, demo)).json()) as {
      model: string
      content: { text: string }[]
    }
    expect([whole.model, whole.content[0]?.text]).toEqual([expect.stringContaining('demo'), expect.stringContaining('not a model')])
    await demo.context.gateway.written()
    const rows = await demo.context.db('usage')
    expect(rows.length).toBe(2)
    expect(rows.every((row) => row.provider === 'demo')).toBe(true)
  })
})
