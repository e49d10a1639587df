import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { listBudgets, setBudget, setRateLimits, setTaskBudget } from '@helix/contract/budgets'
import { openSession, recordTurn } from '@helix/contract/internal'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { newId } from '../../context.ts'
import { mintSessionToken } from '../../identity/tokens.ts'
import { addProject, addTask, writeStep } from '../../internal/testing.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'

const usage = { prompt_tokens: 40, completion_tokens: 10, total_tokens: 50 }
const provider = createServer((request, response) => {
  request
    .resume()
    .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ choices: [], usage })))
})
let server: TestServer
let person: Person

beforeAll(async () => {
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`
  server = await openTestServer({ OPENAI_BASE_URL: url, OPENAI_API_KEY: 'k', ANTHROPIC_BASE_URL: url, ANTHROPIC_API_KEY: 'k' })
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  provider.closeAllConnections()
  provider.close()
})
beforeEach(async () => {
  person = await server.addPerson()
})

const ask = (path: string, key: string = person.apiKey): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'm', max_tokens: 20, messages: [{ role: 'user', content: 'hi' }] }),
  })
const limit = (amount: number) => person.call(setBudget, { body: { period: 'month', unit: 'tokens', limit: amount } })

test('calls are held at the most they can cost and settled at what they did; then 402 in the words of each dialect', async () => {
  await limit(300)
  let passed = 0
  let refused = await ask('/v1/chat/completions')
  for (; refused.status === 200; passed++) refused = await ask('/v1/chat/completions')
  expect(refused.status).toBe(402)
  expect(await refused.json()).toMatchObject({
    error: { code: 'budget_exhausted', message: expect.stringContaining('The budget of the organisation for this month') },
  })
  const messages = await ask('/v1/messages')
  expect([messages.status, await messages.json()]).toMatchObject([
    402,
    {
      type: 'error',
      error: { type: 'billing_error', message: expect.stringContaining('An administrator of the organisation may raise it') },
    },
  ])
  expect(passed).toBeGreaterThanOrEqual(4)
  await new Promise((resolve) => setTimeout(resolve, 1200))
  const { items } = await person.call(listBudgets, {})
  expect(items).toMatchObject([{ spent: passed * 50, limit: 300 }])
  expect((await limit(400)).budget).toMatchObject({ limit: 400, spent: passed * 50 })
  expect((await ask('/v1/chat/completions')).status).toBe(200)
})

test('a limit of rate is 429 with the time to wait', async () => {
  const unlimited = { requestsPerMinute: null, tokensPerMinute: null }
  await person.call(setRateLimits, {
    body: { organisation: unlimited, key: { requestsPerMinute: 2, tokensPerMinute: null }, session: unlimited },
  })
  const statuses = [await ask('/v1/chat/completions'), await ask('/v1/chat/completions'), await ask('/v1/chat/completions')]
  expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429])
  expect(Number(statuses[2]?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await statuses[2]?.json()).toMatchObject({
    error: { code: 'rate_limited', message: expect.stringContaining('This API key may use 2 calls a minute') },
  })
})

test('a session that is refused by its task’s budget pauses with its turn', async () => {
  const task = await addTask(person, await addProject(person))
  const { sessionId } = await server.worker(openSession, { params: { taskId: task.id }, body: { key: 'k' } })
  await writeStep(server, task.id, 1, 'backlog', 'implementing')
  await server.context.db('agent_sessions').where({ id: sessionId }).update({ state: 'running', epoch: 1 })
  const token = await server.context.db.transaction((trx) => mintSessionToken(trx, { orgId: person.orgId, sessionId, epoch: 1 }))
  const promptId = newId('prompt')
  const row = {
    id: promptId,
    org_id: person.orgId,
    session_id: sessionId,
    task_id: task.id,
    kind: 'implement',
    text: 'x',
    state: 'running',
  }
  await server.context.db('prompts').insert(row)
  await person.call(setTaskBudget, { params: { taskId: task.id }, body: { period: 'total', unit: 'tokens', limit: 10 } })
  const refused = await ask('/v1/chat/completions', token)
  expect([refused.status, await refused.json()]).toMatchObject([
    402,
    { error: { message: expect.stringContaining(`The budget of task #${task.number} of Sample in all, 10 tokens`) } },
  ])
  const ended = await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'failed', outcome: '402' } })
  expect(ended.budget?.message).toContain('Who may change tasks of the project may raise it')
})
