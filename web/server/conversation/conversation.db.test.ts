import { once } from 'node:events'
import {
  answerPermission,
  editPrompt,
  findTaskPaths,
  getTaskAgent,
  stopTurn,
  suspendAgent,
  withdrawPrompt,
} from '@helix/contract/conversation'
import { answerOption, declineOption, type FormField, type FormValues } from '@helix/contract/forms'
import { claimSession, recordStart } from '@helix/contract/hosts'
import type { HostId, SessionId } from '@helix/contract/ids'
import { listInbox } from '@helix/contract/inbox'
import { loadTask, openSession, recordTurn } from '@helix/contract/internal'
import type { HostDown, HostUp } from '@helix/contract/link'
import type { JournalPayload } from '@helix/contract/sessions'
import { getTimeline, sendPrompt } from '@helix/contract/task-work'
import { getTask, type Task } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '../context.ts'
import { addProject, addTask, writeStep } from '../internal/testing.ts'
import { testTokens } from '../testing/context.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

let server: TestServer
let person: Person
let task: Task
let sessionId: SessionId
let hostId: HostId

/** A host's connection: what it got, and its end of the journal. */
class Link {
  readonly received: HostDown[] = []
  readonly socket: WebSocket
  private sequence: number

  constructor(sequence = 0) {
    this.sequence = sequence
    const url = `${server.url.replace('http', 'ws')}/internal/v1/hosts/connect`
    this.socket = new WebSocket(url, { headers: { authorization: `Bearer ${testTokens.runner}` } })
    this.socket.on('message', (data) => this.received.push(JSON.parse(String(data))))
  }

  async join(): Promise<this> {
    await once(this.socket, 'open')
    this.send({ type: 'hello', hostId, name: 'host', bootId: 'boot', version: '1' })
    this.send({ type: 'report', capacity: 9, running: 0, rung: 'plain', innerDocker: false, packs: [], freeDiskBytes: 1, problem: null })
    await this.until(({ type }) => type === 'welcome')
    return this
  }

  send(frame: HostUp): void {
    this.socket.send(JSON.stringify(frame))
  }

  async says(...payloads: JournalPayload[]): Promise<void> {
    const entries = payloads.map((payload) => ({ sequence: ++this.sequence, at: new Date().toISOString(), payload }))
    this.send({ type: 'journal', sessionId, epoch: 1, entries })
    await this.until((frame) => frame.type === 'ack' && frame.upTo === this.sequence)
  }

  async until(holds: (frame: HostDown) => boolean): Promise<HostDown> {
    for (;;) {
      const found = this.received.find(holds)
      if (found !== undefined) return found
      await once(this.socket, 'message')
    }
  }

  answers() {
    return this.received.flatMap((frame) => (frame.type === 'answer' ? [frame.answer] : []))
  }

  async close(): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}

const params = () => ({ taskId: task.id })
const agent = () => person.call(getTaskAgent, { params: params() })
const asks = (requestId: string, promptId: string | null = null): JournalPayload => ({
  kind: 'permission',
  requestId,
  promptId,
  title: 'rm -rf build',
  tool: 'execute',
  options: [
    { id: 'yes', name: 'Allow', kind: 'allow_once' },
    { id: 'no', name: 'Reject', kind: 'reject_once' },
  ],
})
const ends = (requestId: string, outcome: 'selected' | 'void' = 'selected'): JournalPayload => ({
  kind: 'permission_end',
  requestId,
  outcome,
  optionId: outcome === 'selected' ? 'yes' : null,
  answeredBy: null,
})
const answer = (requestId: string, optionId = 'yes') =>
  person.call(answerPermission, { params: { ...params(), requestId }, body: { optionId } })

beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())

beforeEach(async () => {
  task = await addTask(person, await addProject(person))
  sessionId = (await server.worker(openSession, { params: params(), body: { key: 'k' } })).sessionId
  await writeStep(server, task.id, 1, 'backlog', 'queued_implementation')
  await writeStep(server, task.id, 2, 'queued_implementation', 'implementing')
  hostId = newId('host')
})

async function onHost(): Promise<Link> {
  const link = await new Link().join()
  await expect
    .poll(() => server.runner(claimSession, { params: { hostId, sessionId }, body: { bootId: 'boot', epoch: 0 } }))
    .toMatchObject({
      outcome: 'claimed',
      spec: { permissionMode: 'allow' },
    })
  return link
}

test('what the agent asks waits for a person, the answer reaches the host, and the end of it ends the sending', async () => {
  const link = await onHost()
  await link.says(asks('r1'))
  expect((await agent()).permissions).toMatchObject([{ id: 'r1', title: 'rm -rf build', state: 'pending' }])
  expect((await server.worker(loadTask, { params: params() })).waitsForPerson).toBe(true)
  await expect.poll(async () => (await person.call(getTask, { params: params() })).activity).toBe('Waits for your permission: rm -rf build')
  expect(await answer('r1')).toMatchObject({ state: 'answered', optionId: 'yes', answeredBy: 'Test Person', delivered: false })
  await link.until(({ type }) => type === 'answer')
  expect(link.answers()).toEqual([{ requestId: 'r1', optionId: 'yes', answeredBy: 'Test Person' }])
  expect((await server.worker(loadTask, { params: params() })).waitsForPerson).toBe(false)
  // A host that lost it is told again; one whose agent has it is not.
  await link.close()
  const again = await new Link(1).join()
  await again.until(({ type }) => type === 'answer')
  await again.says(ends('r1'))
  await again.close()
  const third = await new Link(2).join()
  await third.says({ kind: 'notice', text: 'x' })
  expect(third.answers()).toEqual([])
  expect((await person.call(getTimeline, { params: params() })).waits).toMatchObject([{ requestId: 'r1', answeredBy: 'Test Person' }])
  await third.close()
})

test('of two answers at once the first counts, and the other is told whose it was', async () => {
  const link = await onHost()
  await link.says(asks('r1'))
  const results = await Promise.allSettled([answer('r1', 'yes'), answer('r1', 'no')])
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
  const refused = results.find((one) => one.status === 'rejected')?.reason
  expect([refused.code, refused.message]).toEqual(['conflict', expect.stringMatching(/^Test Person answered first: (Allow|Reject)\.$/)])
  await expect(answer('r1', 'other')).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(answer('unknown')).rejects.toMatchObject({ code: 'not_found' })
  await link.close()
})

test('a request is void when its agent says so, when its turn ends, and when the session starts again', async () => {
  const link = await onHost()
  const { promptId } = await person.call(sendPrompt, { params: params(), body: { text: 'Go' } })
  await link.says(asks('by-agent'), ends('by-agent', 'void'), asks('by-turn', promptId), asks('by-start'))
  await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'ended', outcome: 'cancelled' } })
  expect((await agent()).permissions.map(({ id }) => id)).toEqual(['by-start'])
  await server.runner(claimSession, { params: { hostId, sessionId }, body: { bootId: 'boot', epoch: 0 } })
  const { epoch } = (await server.context.db('agent_sessions').where({ id: sessionId }).first('epoch')) as { epoch: number }
  await server.runner(recordStart, { params: { hostId, sessionId }, body: { epoch, reason: 'lost', stages: [] } })
  expect((await agent()).permissions).toEqual([])
  await expect(answer('by-start')).rejects.toMatchObject({ code: 'conflict', message: 'The agent does not wait for this any more.' })
  await link.close()
})

test('a question is answered with its form filled in: faults name the field, and what was filled in reaches the host', async () => {
  const link = await onHost()
  const common = { title: 'Port', description: '', initial: null }
  const fields: FormField[] = [
    { type: 'number', name: 'port', ...common, required: true, whole: true, minimum: 1, maximum: null },
    { type: 'text', name: 'why', ...common, required: false, minLength: null, maxLength: null },
  ]
  await link.says({
    ...asks('q1'),
    title: 'Which port?',
    tool: 'question',
    options: [answerOption, declineOption],
    fields,
  } as JournalPayload)
  expect((await agent()).permissions).toMatchObject([{ title: 'Which port?', fields }])
  const inbox = async () => (await person.call(listInbox, { query: {} })).items.map(({ kind, detail }) => [kind, detail])
  expect(await inbox()).toEqual([['question', 'Which port?']])
  const give = (body: { optionId: string; values?: FormValues }) =>
    person.call(answerPermission, { params: { ...params(), requestId: 'q1' }, body })
  for (const values of [{}, { port: 'many' }, { port: 80, other: 1 }])
    await expect(give({ optionId: 'answer', values })).rejects.toMatchObject({
      code: 'invalid_request',
      message: /^values\.(port|other): /,
    })
  await give({ optionId: 'answer', values: { port: 80, why: '' } })
  await link.until(({ type }) => type === 'answer')
  expect(link.answers()).toEqual([{ requestId: 'q1', optionId: 'answer', answeredBy: 'Test Person', values: { port: 80 } }])
  expect(await inbox()).toEqual([])
  await link.close()
})

test('entries that come twice make one request', async () => {
  const link = await onHost()
  await link.says(asks('r1'))
  link.send({ type: 'journal', sessionId, epoch: 1, entries: [{ sequence: 1, at: new Date().toISOString(), payload: asks('r1') }] })
  await link.says({ kind: 'notice', text: 'x' })
  expect((await agent()).permissions).toHaveLength(1)
  await link.close()
})

test('messages wait in their order, can be changed by their author and taken back, until they are on their way', async () => {
  const say = async (text: string, mode?: 'queue' | 'steer' | 'interrupt') =>
    person.call(sendPrompt, { params: params(), body: { text, ...(mode && { mode }) } })
  const first = await say('First')
  const second = await say('Second')
  const next = await say('Next', 'steer')
  expect([first.note, next.note]).toEqual([null, null])
  expect((await agent()).queued.map(({ text }) => text)).toEqual(['Next', 'First', 'Second'])
  const of = (promptId: typeof first.promptId) => ({ params: { ...params(), promptId } })
  expect(await person.call(editPrompt, { ...of(first.promptId), body: { text: 'Changed' } })).toMatchObject({ text: 'Changed' })
  await person.call(withdrawPrompt, of(second.promptId))
  const run = (promptId: typeof first.promptId) =>
    server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'running', outcome: null } })
  expect(await run(second.promptId)).toEqual({ withdrawn: true })
  expect(await run(first.promptId)).toEqual({ withdrawn: false })
  await expect(person.call(editPrompt, { ...of(first.promptId), body: { text: 'Late' } })).rejects.toMatchObject({ code: 'conflict' })
  await expect(person.call(withdrawPrompt, of(first.promptId))).rejects.toMatchObject({ code: 'conflict' })
  const { queued, turn } = await agent()
  expect([queued.map(({ text }) => text), turn?.promptId]).toEqual([['Next'], first.promptId])
  server.context.outbox.start()
  await expect.poll(() => server.context.recorded.signals.filter((one) => one.taskId === task.id)).toHaveLength(3)
  expect(server.context.recorded.signals.findLast((one) => one.taskId === task.id)).toMatchObject({
    signal: 'personPrompt',
    payload: { promptId: next.promptId, mode: 'steer' },
  })
})

test('a turn is stopped where one runs', async () => {
  await expect(person.call(stopTurn, { params: params() })).rejects.toMatchObject({ code: 'conflict' })
  const { promptId } = await person.call(sendPrompt, { params: params(), body: { text: 'Go' } })
  await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'running', outcome: null } })
  await person.call(stopTurn, { params: params() })
})

test('an idle agent is suspended; one in mid-turn is not, and the person hears why', async () => {
  const suspend = () => person.call(suspendAgent, { params: params() })
  const state = (value: string) => server.context.db('agent_sessions').where({ id: sessionId }).update({ state: value })
  await state('idle')
  await suspend()
  await expect.poll(() => server.context.recorded.sessionSignals).toContainEqual({ sessionId, signal: 'suspend', payload: {} })
  const { promptId } = await person.call(sendPrompt, { params: params(), body: { text: 'Go' } })
  await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'running', outcome: null } })
  await expect(suspend()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('stop the turn first') })
  await server.worker(recordTurn, { params: { sessionId }, body: { promptId, state: 'ended', outcome: 'end_turn' } })
  await state('suspended')
  await expect(suspend()).rejects.toMatchObject({ message: 'The agent is suspended already.' })
})

test('files are found by a few letters', async () => {
  const { paths } = await person.call(findTaskPaths, { params: params(), query: { query: 'pack' } })
  expect(paths[0]).toBe('package.json')
})
