import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HelixError } from '@helix/contract/errors'
import type { HostId, SessionId } from '@helix/contract/ids'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RecordingNote } from '../link/control-plane.ts'
import { type FrameTaker, Recordings } from './recordings.ts'
import { clipStartUs, pictureOf } from './testing-clip.ts'

const sessionId = 'ses_01h2xcejqtf2nbrexx3vqjhp41' as SessionId
const log = pino({ level: 'silent' })
let stateDir: string
let server: Server
/** What the control plane answers a segment with, and what it got. */
let answer: { status: number; body: unknown }
let arrived: string[]
let notes: RecordingNote[]
let wanted: boolean
let old: boolean
let runs: boolean
let taker: FrameTaker | null
let session: { sessionId: SessionId; epoch: number; over: string | null; chapterBegan: (() => void) | null }
let keys: number

beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'helix-recordings-'))
  ;[answer, arrived, notes, keys] = [{ status: 200, body: { wanted: true } }, [], [], 0]
  ;[wanted, old, runs, taker] = [true, false, true, null]
  session = { sessionId, epoch: 2, over: null, chapterBegan: null }
  server = createServer(async (request, response) => {
    for await (const _ of request);
    arrived.push(request.url ?? '')
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(async () => {
  server.closeAllConnections()
  server.close()
  await rm(stateDir, { recursive: true })
})

const open = (): Promise<Recordings> =>
  Recordings.open({
    stateDir,
    budgetBytes: 1e9,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: () => 'token',
    hostId: 'hst_01h2xcejqtf2nbrexx3vqjhp41' as HostId,
    controlPlane: {
      async recorded() {
        if (old) throw new HelixError('not_found')
        return wanted ? [{ sessionId, epoch: 2 }] : []
      },
      async noteRecording(_, note) {
        notes.push(note)
      },
    },
    desktops: {
      running: () => runs,
      join(_, joined) {
        taker = joined
        return { leave: () => (taker = null), requestKey: () => (keys += 1) }
      },
    },
    sessions: () => [session],
    log,
  })
const show = (sequence: number, atMs = sequence * 100): void => {
  const frame = pictureOf(sequence, clipStartUs + atMs * 1000)
  taker?.received(frame, frame.unit)
}
const files = () => readdir(join(stateDir, 'recordings', sessionId)).catch(() => [])
const refusal = (status: number, code: string) => ({ status, body: { error: { code, message: 'The disk is full.', requestId: 'r' } } })

test('a desktop is recorded while it runs and its project wants it, and not otherwise', async () => {
  const recordings = await open()
  await recordings.look()
  expect(taker).toBeNull()
  runs = false
  await recordings.ask()
  await recordings.look()
  expect(taker).toBeNull()
  runs = true
  await recordings.look()
  expect(taker?.wantsFrames()).toBe(true)
  for (const sequence of [0, 1, 2]) show(sequence)
  wanted = false
  await recordings.ask()
  await recordings.look()
  expect(taker).toBeNull()
  await expect
    .poll(() => arrived)
    .toEqual([`/internal/v1/hosts/hst_01h2xcejqtf2nbrexx3vqjhp41/sessions/${sessionId}/recording/2/${clipStartUs}`])
  await expect.poll(files).toEqual([])
  expect(notes).toEqual([{ epoch: 2, state: 'recording', reason: null, lost: 0 }])
  await recordings.close()
})

test('a control plane that is full pauses the recording with its reason, keeps what is there, and goes on when there is room', async () => {
  const recordings = await open()
  await recordings.ask()
  await recordings.look()
  answer = refusal(507, 'storage_full')
  show(0)
  taker?.restarted()
  await expect.poll(() => arrived.length).toBe(1)
  await expect
    .poll(async () => {
      await recordings.look()
      return notes.at(-1)
    })
    .toMatchObject({ state: 'paused', reason: 'The disk is full.' })
  expect([taker, (await files()).length]).toEqual([null, 1])
  answer = { status: 200, body: { wanted: true } }
  await expect.poll(files, { timeout: 10_000 }).toEqual([])
  await recordings.look()
  expect(taker).not.toBeNull()
  expect(notes.at(-1)?.state).toBe('recording')
  await recordings.close()
})

test('what is refused for good is dropped and counted, and what the control plane does not want ends the recording', async () => {
  const recordings = await open()
  await recordings.ask()
  await recordings.look()
  answer = refusal(409, 'conflict')
  show(0)
  taker?.restarted()
  await expect.poll(files).toEqual([])
  await expect
    .poll(async () => {
      await recordings.look()
      return notes.at(-1)?.lost
    })
    .toBe(1)
  answer = { status: 200, body: { wanted: false } }
  show(4)
  taker?.restarted()
  await expect.poll(() => arrived.length).toBe(2)
  await expect
    .poll(async () => {
      await recordings.look()
      return taker
    })
    .toBeNull()
  await recordings.close()
})

test('a control plane of the version before takes none, and a host that ends keeps what was begun for its next boot', async () => {
  old = true
  const before = await open()
  await before.ask()
  await before.look()
  expect(taker).toBeNull()
  old = false
  await before.ask()
  await before.look()
  show(0)
  answer = refusal(503, 'database_unavailable')
  await before.close()
  expect(await files()).toEqual([`2-${clipStartUs}.mp4`])
  answer = { status: 200, body: { wanted: true } }
  const next = await open()
  await next.ask()
  await expect.poll(files).toEqual([])
  await next.close()
  await (await open()).close()
  expect(await readdir(join(stateDir, 'recordings'))).toEqual([])
})

test('a chapter asks for a key frame through the session', async () => {
  const recordings = await open()
  await recordings.ask()
  await recordings.look()
  show(1)
  expect(keys).toBe(1)
  expect(session.chapterBegan).not.toBeNull()
  session.chapterBegan?.()
  session.over = 'It was stopped.'
  await recordings.look()
  expect(taker).toBeNull()
  await recordings.close()
})
