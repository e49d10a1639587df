import type { PromptId, SessionId } from '@helix/contract/ids'
import { listInbox } from '@helix/contract/inbox'
import { recordSession } from '@helix/contract/internal'
import {
  answerSessionPermission,
  editSessionPrompt,
  getSessionAgent,
  renameSession,
  stopSessionTurn,
  withdrawSessionPrompt,
} from '@helix/contract/session-agent'
import { createSession, promptSession } from '@helix/contract/session-life'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addProjectRow } from '../../placement/testing.ts'
import { openTestServer, type Person, type TestServer } from '../../testing/server.ts'
import { type SessionRow, SessionStore } from '../store.ts'

let server: TestServer
let owner: Person
let stranger: Person
let sessionId: SessionId

beforeAll(async () => {
  server = await openTestServer()
  owner = await server.addPerson()
  stranger = await server.addPerson()
  const projectId = await addProjectRow(db(), owner.orgId)
  const made = await owner.call(createSession, { params: { projectId }, body: { prompt: 'Look at it', agentRuntime: 'claude_code' } })
  expect(made).toMatchObject({ agentRuntime: 'claude_code', state: 'queued' })
  sessionId = made.id
})
afterAll(() => server[Symbol.asyncDispose]())

const db = () => server.context.db
const projectOf = async () => (await db()('agent_sessions').where({ id: sessionId }).first('project_id')).project_id
const agent = () => owner.call(getSessionAgent, { params: { sessionId } })
const refused = (call: Promise<unknown>, code: string) => expect(call).rejects.toMatchObject({ code })

test('a session begins with its first message, told to its workflow in the same transaction', async () => {
  const { queued, turn } = await agent()
  expect([queued.map(({ text }) => text), turn]).toEqual([['Look at it'], null])
  const told = (await db()('outbox').select('payload')).map(({ payload }) => payload)
  expect(told).toMatchObject([{ kind: 'tellSession', signal: 'prompt', payload: { promptId: queued[0]?.id } }])
})

test('a message that steers or interrupts says so to the workflow; another word is refused', async () => {
  const told = async () => (await db()('outbox').orderBy('id', 'desc').first('payload'))?.payload
  for (const mode of ['steer', 'interrupt'] as const) {
    const { id: promptId } = await owner.call(promptSession, { params: { sessionId }, body: { text: 'Now this', mode } })
    expect(await told()).toMatchObject({ signal: 'prompt', payload: { promptId, mode } })
    expect((await agent()).queued.find(({ id }) => id === promptId)).toMatchObject({ mode })
    await owner.call(withdrawSessionPrompt, { params: { sessionId, promptId } })
  }
  await refused(owner.call(promptSession, { params: { sessionId }, body: { text: 'x', mode: 'shout' as never } }), 'invalid_request')
})

test('a message is changed and taken back while it waits, and not after', async () => {
  const { id: promptId } = await owner.call(promptSession, { params: { sessionId }, body: { text: 'And that' } })
  const on = { params: { sessionId, promptId } }
  expect(await owner.call(editSessionPrompt, { ...on, body: { text: 'And this' } })).toMatchObject({ text: 'And this' })
  await owner.call(withdrawSessionPrompt, on)
  await refused(owner.call(withdrawSessionPrompt, on), 'conflict')
  await refused(owner.call(editSessionPrompt, { ...on, body: { text: 'x' } }), 'conflict')
  await refused(
    owner.call(withdrawSessionPrompt, { params: { sessionId, promptId: `${promptId.slice(0, -1)}0` as PromptId } }),
    'not_found',
  )
  expect((await agent()).queued.map(({ text }) => text)).toEqual(['Look at it'])
})

test('only a turn that runs is stopped', async () => {
  await refused(owner.call(stopSessionTurn, { params: { sessionId } }), 'conflict')
  const [prompt] = (await agent()).queued
  await db()('prompts').where({ id: prompt?.id }).update({ state: 'running', started_at: db().fn.now() })
  await owner.call(stopSessionTurn, { params: { sessionId } })
  const told = (await db()('outbox').orderBy('id', 'desc').first('payload'))?.payload
  expect(told).toMatchObject({ kind: 'signalSession', signal: 'cancelTurn', sessionId, payload: { promptId: prompt?.id } })
})

test('of two answers the first counts, and nonsense is no answer', async () => {
  const options = [{ id: 'yes', name: 'Allow', kind: 'allow_once' }]
  const row = { session_id: sessionId, id: 'r1', org_id: owner.orgId, task_id: null, epoch: 1, title: 'npm test', tool: 'execute' }
  await db()('permission_requests').insert({ ...row, options: JSON.stringify(options), created_at: db().fn.now() })
  const answer = (optionId: string, requestId = 'r1') =>
    owner.call(answerSessionPermission, { params: { sessionId, requestId }, body: { optionId } })
  expect((await agent()).permissions).toMatchObject([{ id: 'r1', state: 'pending' }])
  await refused(answer('maybe'), 'invalid_request')
  await refused(answer('yes', 'r2'), 'not_found')
  expect(await answer('yes')).toMatchObject({ state: 'answered', optionId: 'yes' })
  await refused(answer('yes'), 'conflict')
  expect((await agent()).permissions).toEqual([])
})

test('what the agent asks is in the inbox of who started the session, is answered there, and goes with the session', async () => {
  const { id } = await owner.call(createSession, { params: { projectId: await projectOf() }, body: { title: 'Parser' } })
  const asks = async (sequence: number) => {
    const row = (await new SessionStore(db()).rowOf(id)) as SessionRow
    const options = [{ id: 'yes', name: 'Allow', kind: 'allow_once' as const }]
    const payload = {
      kind: 'permission' as const,
      requestId: `q${sequence}`,
      promptId: null,
      title: 'npm publish',
      tool: 'execute',
      options,
    }
    await new SessionStore(db()).append(row, [{ sequence, at: new Date().toISOString(), payload: payload as never }])
  }
  const inbox = async (person: Person) => (await person.call(listInbox, { query: {} })).items
  await asks(1)
  const item = { kind: 'permission', detail: 'npm publish', task: null, session: { id, title: 'Parser' }, requestId: 'q1', mine: true }
  expect(await inbox(owner)).toMatchObject([item])
  expect(await inbox(stranger)).toEqual([])
  await owner.call(answerSessionPermission, { params: { sessionId: id, requestId: 'q1' }, body: { optionId: 'yes' } })
  expect(await inbox(owner)).toEqual([])
  await asks(2)
  expect(await inbox(owner)).toHaveLength(1)
  await server.worker(recordSession, { params: { sessionId: id }, body: { epoch: 1, state: 'stopped', reason: 'over' } })
  expect(await inbox(owner)).toEqual([])
  expect((await owner.call(getSessionAgent, { params: { sessionId: id } })).permissions).toEqual([])
})

test('a session is renamed; to strangers none of this is there', async () => {
  const on = { params: { sessionId } }
  expect(await owner.call(renameSession, { ...on, body: { title: 'Parser' } })).toMatchObject({ title: 'Parser' })
  await refused(owner.call(renameSession, { ...on, body: { title: '' } }), 'invalid_request')
  const calls = [
    stranger.call(getSessionAgent, on),
    stranger.call(renameSession, { ...on, body: { title: 'Mine' } }),
    stranger.call(stopSessionTurn, on),
    stranger.call(answerSessionPermission, { params: { sessionId, requestId: 'r1' }, body: { optionId: 'yes' } }),
  ]
  await Promise.all(calls.map((call) => refused(call, 'not_found')))
})
