import { existsSync } from 'node:fs'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HelixError } from '@helix/contract/errors'
import type { HostId, SessionId, TaskId } from '@helix/contract/ids'
import { openSession } from '@helix/contract/internal'
import { type Project, updateProject } from '@helix/contract/projects'
import { listRecorded, noteRecording } from '@helix/contract/recording-wire'
import { clipRecording, getRecording } from '@helix/contract/recordings'
import { readBox, readFragment } from '@helix/contract/segment-bytes'
import { getTask } from '@helix/contract/tasks'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addProject, addTask } from '../internal/testing.ts'
import { addHostRow } from '../placement/testing.ts'
import { SessionStore } from '../sessions/store.ts'
import { testTokens } from '../testing/context.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'
import { sweepRecordings } from './sweep.ts'
import { lettered, segmentOf, upload } from './testing.ts'

let server: TestServer
let person: Person
let stranger: Person
let project: Project
let hostId: HostId
let taskId: TaskId
let sessionId: SessionId
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  stranger = await server.addPerson()
  hostId = await addHostRow(server.context.db)
})
afterAll(() => server[Symbol.asyncDispose]())

beforeEach(async () => {
  project = await addProject(person)
  taskId = (await addTask(person, project)).id
  sessionId = (await server.worker(openSession, { params: { taskId }, body: { key: 'k' } })).sessionId
  const { db } = server.context
  await db('recording_segments').delete()
  await db('agent_sessions').where({ id: sessionId }).update({ host_id: hostId, epoch: 1, state: 'idle' })
  await server.runner(listRecorded, { params: { hostId } })
})

const startedMs = Date.parse('2026-05-05T10:00:00Z')
const send = (body: Buffer, at = startedMs, extra: object = {}) =>
  upload({ url: server.url, token: testTokens.runner, hostId, sessionId, startedMs: at, body, ...extra })
const shown = () => person.call(getRecording, { params: { sessionId } })
const folder = () => join(server.context.config.HELIX_DATA_DIR, 'recordings', person.orgId, sessionId)
const files = () => readdir(folder())
const video = (query = '', headers: Record<string, string> = {}, who = person) =>
  fetch(`${server.url}/api/v1/sessions/${sessionId}/recording/video${query}`, {
    headers: { authorization: `Bearer ${who.apiKey}`, ...headers },
  })
const failure = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (error: unknown) => (error instanceof HelixError ? error.code : error),
  )

/** Times and contents of the pictures in a film. */
function picturesOf(film: Buffer): { atMs: number; forMs: number; letters: string }[] {
  const pictures: { atMs: number; forMs: number; letters: string }[] = []
  for (let at = 0; at < film.length; ) {
    const one = readBox(film.subarray(at))
    if (one === null) throw new Error(`no box at ${at}`)
    const fragment = one.type === 'moof' ? readFragment(film.subarray(at, at + one.size)) : null
    at += one.size
    if (fragment === null) continue
    let [time, place] = [fragment.base, at + 8]
    for (const { duration, size } of fragment.samples) {
      pictures.push({ atMs: time / 10, forMs: duration / 10, letters: film.subarray(place, place + 1).toString() })
      time += duration
      place += size
    }
  }
  return pictures
}

const two = async (): Promise<void> => {
  await send(
    segmentOf(
      [lettered('ab', [100, 3000]), lettered('cd')].map((one, index) => (index === 0 ? one : one.map((p) => ({ ...p, key: false })))),
    ),
  )
  await send(segmentOf([lettered('ef', 200)]), startedMs + 10_000)
}

test('segments are stored once, whatever arrives twice or at the same time, and another one in their place is refused', async () => {
  const body = segmentOf([lettered('abc')])
  const answers = await Promise.all(Array.from({ length: 8 }, () => send(body)))
  expect(answers.map(({ status }) => status)).toEqual(new Array(8).fill(200))
  expect(await answers[0]?.json()).toEqual({ wanted: true })
  const other = await send(segmentOf([lettered('xyz')]))
  expect([other.status, ((await other.json()) as { error: { code: string } }).error.code]).toEqual([409, 'conflict'])
  expect((await shown()).segments).toMatchObject([{ startMs: startedMs, durationMs: 300, movingMs: 300, stills: [], width: 320 }])
  expect(await files()).toEqual([`1-${startedMs}000.mp4`])
})

test('what is no segment is refused with the reason, and leaves nothing behind', async () => {
  const good = segmentOf([lettered('abc')])
  const bad: [Buffer, string][] = [
    [Buffer.from('nonsense'), 'does not begin with a track'],
    [good.subarray(0, good.length - 1), 'in the middle of a fragment'],
    [Buffer.concat([good, Buffer.from('x')]), 'in the middle of a fragment'],
    [segmentOf([lettered('abc').map((one) => ({ ...one, key: false }))]), 'key frame'],
    [Buffer.alloc(0), 'does not begin'],
  ]
  for (const [body, reason] of bad) {
    const answer = await send(body)
    expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining(reason)])
  }
  expect((await send(good, startedMs, { sha256: 'a'.repeat(64) })).status).toBe(400)
  expect((await send(good, startedMs, { sha256: 'nonsense' })).status).toBe(400)
  expect(await files()).toEqual([])
  expect((await shown()).state).toBe('nothing')
})

test('a host that was not told to record a session cannot add to it, and neither can people', async () => {
  const body = segmentOf([lettered('abc')])
  const elsewhere = await addHostRow(server.context.db)
  expect((await send(body, startedMs, { hostId: elsewhere })).status).toBe(404)
  expect((await send(body, startedMs, { epoch: 2 })).status).toBe(404)
  for (const token of [person.apiKey, testTokens.worker, 'nonsense']) expect((await send(body, startedMs, { token })).status).toBe(401)
  // An earlier start's last segments come after the session went elsewhere.
  await server.context.db('agent_sessions').where({ id: sessionId }).update({ host_id: elsewhere, epoch: 2 })
  expect((await send(body)).status).toBe(200)
})

test('a project that wants no recordings gets none, at once, and what was recorded stays', async () => {
  await two()
  const recording = { enabled: false, keepDays: 3 }
  await person.call(updateProject, { params: { projectId: project.id }, body: { recording } })
  expect(await (await send(segmentOf([lettered('g')]), startedMs + 20_000)).json()).toEqual({ wanted: false })
  const { sessions } = await server.runner(listRecorded, { params: { hostId } })
  expect(sessions.some((one) => one.sessionId === sessionId)).toBe(false)
  expect(await shown()).toMatchObject({ state: 'ended', segments: [{}, {}] })
  const wrong = await failure(
    person.call(updateProject, { params: { projectId: project.id }, body: { recording: { enabled: true, keepDays: 0 } } }),
  )
  expect(wrong).toBe('invalid_request')
})

test('all of it is one MP4 whose times are those of the capture, or with stills cut to a second', async () => {
  await two()
  const kept = picturesOf(Buffer.from(await (await video()).arrayBuffer()))
  expect(kept.map(({ atMs, letters }) => [letters, atMs])).toEqual([
    ['a', 0],
    ['b', 100],
    ['c', 3100],
    ['d', 3200],
    ['e', 10_000],
    ['f', 10_200],
  ])
  const skipped = picturesOf(Buffer.from(await (await video('?stills=skip')).arrayBuffer()))
  expect(skipped.map(({ atMs, letters }) => [letters, atMs])).toEqual([
    ['a', 0],
    ['b', 100],
    ['c', 1100],
    ['d', 1200],
    ['e', 1300],
    ['f', 1500],
  ])
  expect((await shown()).segments[0]).toMatchObject({ stills: [[100, 3000]], movingMs: 1300, durationMs: 3300 })
})

test('any part of it can be asked for, and what arrives later does not change a part that was named', async () => {
  await two()
  const { segments } = await shown()
  const named = `?from=${segments[0]?.id}&to=${segments[1]?.id}`
  const whole = Buffer.from(await (await video(named)).arrayBuffer())
  await send(segmentOf([lettered('late')]), startedMs + 5000)
  for (const [start, end] of [
    [0, 0],
    [0, 99],
    [600, 700],
    [whole.length - 5, whole.length - 1],
    [1, whole.length - 2],
  ] as const) {
    const part = await video(named, { range: `bytes=${start}-${end}` })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end}/${whole.length}`])
    expect(Buffer.from(await part.arrayBuffer()).equals(whole.subarray(start, end + 1))).toBe(true)
  }
  const [suffix, stale, beyond] = await Promise.all([
    video(named, { range: 'bytes=-7' }),
    video(named, { range: 'bytes=0-9', 'if-range': '"older"' }),
    video(named, { range: `bytes=${whole.length}-` }),
  ])
  expect(Buffer.from(await suffix.arrayBuffer()).equals(whole.subarray(-7))).toBe(true)
  expect([stale.status, beyond.status]).toEqual([200, 400])
  expect(
    picturesOf(Buffer.from(await (await video()).arrayBuffer()))
      .map(({ letters }) => letters)
      .join(''),
  ).toBe('abcdlateef')
})

test('strangers and people of other projects find no recording', async () => {
  await two()
  expect((await video('', {}, stranger)).status).toBe(404)
  expect(await failure(stranger.call(getRecording, { params: { sessionId } }))).toBe('not_found')
  const clip = { sessionId, fromMs: startedMs, toMs: startedMs + 1000, caption: 'x' }
  expect(await failure(stranger.call(clipRecording, { params: { taskId }, body: clip }))).toBe('not_found')
  const elsewhere = await addTask(person, await addProject(person))
  expect(await failure(person.call(clipRecording, { params: { taskId: elsewhere.id }, body: clip }))).toBe('not_found')
})

test('chapters are the prompts, tool calls and ends of turns while there were pictures', async () => {
  await two()
  const store = new SessionStore(server.context.db)
  const row = await store.rowOf(sessionId)
  if (row === null) throw new Error('no session')
  const at = (ms: number) => new Date(startedMs + ms).toISOString()
  await store.append(row, [
    { sequence: 1, at: at(-60_000), payload: { kind: 'notice', text: 'before' } },
    { sequence: 2, at: at(500), payload: { kind: 'prompt', promptId: 'p', origin: 'person', author: 'Ada', text: 'Look\nat it' } },
    { sequence: 3, at: at(1000), payload: { kind: 'tool', toolCallId: 't1', title: 'Run tests', status: 'pending' } },
    { sequence: 4, at: at(1500), payload: { kind: 'tool', toolCallId: 't1', status: 'completed' } },
    { sequence: 5, at: at(2000), payload: { kind: 'chunk', messageId: 'm', role: 'agent', text: 'fine' } },
    { sequence: 6, at: at(9000), payload: { kind: 'turn_end', promptId: 'p', outcome: 'end_turn', message: null } },
    { sequence: 7, at: at(60_000), payload: { kind: 'tool', toolCallId: 't2', title: 'After it' } },
  ])
  expect((await shown()).chapters).toEqual([
    { sequence: 2, kind: 'prompt', title: 'Look', atMs: startedMs + 500 },
    { sequence: 3, kind: 'tool', title: 'Run tests', atMs: startedMs + 1000 },
    { sequence: 6, kind: 'turn_end', title: 'end_turn', atMs: startedMs + 9000 },
  ])
})

test('a piece becomes a file of the task that begins at the key frame before it, and plays by itself', async () => {
  await two()
  const { attachment, startMs, durationMs } = await person.call(clipRecording, {
    params: { taskId },
    body: { sessionId, fromMs: startedMs + 3000, toMs: startedMs + 10_100, caption: 'The list is sorted' },
  })
  expect([startMs, durationMs]).toEqual([startedMs, 1700])
  expect(attachment).toMatchObject({ type: 'video/mp4', caption: 'The list is sorted', name: 'The list is sorted.mp4' })
  expect((await person.call(getTask, { params: { taskId } })).attachments).toMatchObject([
    { id: attachment.id, caption: 'The list is sorted' },
  ])
  const answer = await fetch(`${server.url}${attachment.url}`, { headers: { authorization: `Bearer ${person.apiKey}` } })
  expect([answer.headers.get('content-type'), picturesOf(Buffer.from(await answer.arrayBuffer())).length]).toEqual(['video/mp4', 6])
  const short = await person.call(clipRecording, {
    params: { taskId },
    body: { sessionId, fromMs: startedMs, toMs: startedMs + 50, caption: 'Short', stills: 'keep' },
  })
  expect(short.durationMs).toBe(3100)
  const body = { sessionId, fromMs: startedMs + 10, toMs: startedMs, caption: 'Nothing' }
  expect(await failure(person.call(clipRecording, { params: { taskId }, body }))).toBe('invalid_request')
  const before = { ...body, fromMs: startedMs - 9, toMs: startedMs - 3 }
  expect(await failure(person.call(clipRecording, { params: { taskId }, body: before }))).toBe('conflict')
})

test('what a host says of a recording is shown while the session lives', async () => {
  const params = { hostId, sessionId }
  const full = { epoch: 1, state: 'paused' as const, reason: 'The disk is full.', lost: 2 }
  await server.runner(noteRecording, { params, body: full })
  expect(await shown()).toMatchObject({ state: 'paused', reason: 'The disk is full.', lost: 2 })
  await two()
  await server.runner(noteRecording, { params, body: { ...full, state: 'recording', reason: null, lost: 1 } })
  expect(await shown()).toMatchObject({ state: 'recording', reason: null, lost: 3 })
  await server.context.db('agent_sessions').where({ id: sessionId }).update({ state: 'suspended' })
  expect((await shown()).state).toBe('ended')
  expect(await failure(server.runner(noteRecording, { params, body: { ...full, epoch: 7 } }))).toBe('not_found')
})

test('the sweep removes what is too old, what is too much, and bytes of what is gone, and nothing else', async () => {
  await two()
  const { db, config } = server.context
  const context = { ...server.context, config: { ...config } }
  expect(await sweepRecordings(context)).toEqual({ removed: 0, strays: 0 })
  await person.call(updateProject, { params: { projectId: project.id }, body: { recording: { enabled: true, keepDays: 2 } } })
  await db('recording_segments')
    .where({ session_id: sessionId, started_us: startedMs * 1000 })
    .update({ created_at: new Date(Date.now() - 3 * 86_400_000) })
  expect((await sweepRecordings(context)).removed).toBe(1)
  expect(await files()).toEqual([`1-${startedMs + 10_000}000.mp4`])
  expect(await shown()).toMatchObject({ state: 'ended', segments: [{ startMs: startedMs + 10_000 }], removedAt: expect.any(String) })
  const size = (await shown()).bytes
  await send(segmentOf([lettered('gh')]), startedMs + 20_000)
  context.config.HELIX_RECORDING_SESSION_MB = (size + 10) / 1024 ** 2
  expect((await sweepRecordings(context)).removed).toBe(1)
  expect(await files()).toEqual([`1-${startedMs + 20_000}000.mp4`])
  context.config.HELIX_RECORDING_BUDGET_GB = 0
  expect((await sweepRecordings(context)).removed).toBeGreaterThanOrEqual(1)
  expect(await shown()).toMatchObject({ state: 'expired', segments: [] })
  expect(existsSync(folder())).toBe(false)
})

test('bytes of a session that is gone are found on the disk and removed, but for what is on its way', async () => {
  // What the tests before left.
  await sweepRecordings(server.context, Date.now() + 2 * 3_600_000)
  await two()
  await db().delete()
  expect(await files()).toHaveLength(2)
  expect((await sweepRecordings(server.context)).strays).toBe(0)
  expect((await sweepRecordings(server.context, Date.now() + 2 * 3_600_000)).strays).toBe(2)
  expect(existsSync(folder())).toBe(false)
  await mkdir(folder(), { recursive: true })
  const half = join(folder(), '.half')
  await writeFile(half, 'x')
  await utimes(half, 1, 1)
  expect((await sweepRecordings(server.context)).strays).toBe(1)
})

const db = () => server.context.db('agent_sessions').where({ id: sessionId })
