import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SessionId } from '@helix/contract/ids'
import { type Fragment, readBox, readFragment } from '@helix/contract/segment-bytes'
import { readInit } from '@helix/contract/segment-init'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Recorder } from './recorder.ts'
import { RecordingSpool } from './spool.ts'
import { clipStartUs, pictureOf } from './testing-clip.ts'

const session = { sessionId: 'ses_01h2xcejqtf2nbrexx3vqjhp41' as SessionId, epoch: 3 }
const log = pino({ level: 'silent' })
let folder: string
let lost: string[]
let keys: number
let nowMs: number
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'helix-recording-'))
  lost = []
  keys = 0
  nowMs = 0
})
afterEach(() => rm(folder, { recursive: true }))

const openSpool = async (budgetBytes = 1e9): Promise<RecordingSpool> => {
  const spool = await RecordingSpool.open({ folder, budgetBytes, log, arrived: () => undefined, lost: (_, __, why) => lost.push(why) })
  await spool.prepare(session.sessionId)
  return spool
}
const recorderOf = (spool: RecordingSpool): Recorder => new Recorder({ session, spool, requestKey: () => (keys += 1), now: () => nowMs })

/** `atMs` from the start of the clip; the recorder's clock goes along. */
function show(recorder: Recorder, sequence: number, atMs: number): void {
  nowMs = atMs
  recorder.frame(pictureOf(sequence, clipStartUs + atMs * 1000))
}

interface Read {
  width: number
  height: number
  fragments: Fragment[]
  bytes: number
}

/** The boxes of a file, which must fill it. */
async function read(path: string): Promise<Read> {
  const bytes = await readFile(path)
  const fragments: Fragment[] = []
  let at = 0
  let head = 0
  while (at < bytes.length) {
    const box = readBox(bytes.subarray(at))
    if (box === null) throw new Error(`no box at ${at}`)
    const whole = bytes.subarray(at, at + box.size)
    if (box.type === 'moov') head = at + box.size
    if (box.type === 'moof') {
      const fragment = readFragment(whole)
      if (fragment === null) throw new Error('a fragment of another layout')
      fragments.push(fragment)
    }
    if (box.type === 'mdat') expect(box.size - 8).toBe(fragments.at(-1)?.samples.reduce((sum, { size }) => sum + size, 0))
    at += box.size
  }
  const init = readInit(bytes.subarray(0, head))
  if (init === null) throw new Error('no head')
  expect([init.width, init.height, init.avcC[1]]).toEqual([320, 180, 0x42])
  return { width: init.width, height: init.height, fragments, bytes: bytes.length }
}

const lengthOf = ({ fragments }: Read): number =>
  fragments.reduce((sum, { samples }) => sum + samples.reduce((inner, { duration }) => inner + duration, 0), 0)

test('pictures become one segment whose times are those of the capture, and a still is a duration and no bytes', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  for (const [sequence, at] of [0, 100, 200, 300].entries()) show(recorder, sequence, at)
  for (nowMs = 1000; nowMs < 9000; nowMs += 1000) recorder.tick()
  show(recorder, 4, 9300)
  show(recorder, 5, 9400)
  await recorder.close()
  const [one, ...more] = spool.all()
  expect(more).toEqual([])
  expect(one).toMatchObject({ ...session, startedUs: clipStartUs })
  const file = await read(one?.path ?? '')
  const durations = file.fragments.flatMap(({ samples }) => samples.map(({ duration }) => duration / 1000))
  expect(durations).toEqual([100, 100, 100, 9000, 100, 500])
  expect(file.fragments.map(({ base }) => base / 1000)).toEqual([0, 300, 9300])
  expect(file.fragments[0]?.samples[0]?.key).toBe(true)
  expect(file.bytes).toBe(one?.size)
})

test('nothing is written while the screen is still, and the next movement begins a segment with a key frame', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  show(recorder, 0, 0)
  for (nowMs = 1000; nowMs <= 20_000; nowMs += 1000) recorder.tick()
  expect(recorder.writes).toBe(false)
  show(recorder, 1, 60_000)
  expect([recorder.writes, keys]).toEqual([false, 1])
  show(recorder, 4, 60_030)
  expect(recorder.writes).toBe(true)
  await recorder.close()
  expect(spool.all().map(({ startedUs }) => (startedUs - clipStartUs) / 1000)).toEqual([0, 60_030])
})

test('a long movement is cut at key frames that are asked for, without a gap', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  let sequence = 0
  // Key frames come when they are asked for only.
  const answered = (): number => {
    const key = keys > 0 || sequence === 0
    keys = 0
    return key ? Math.ceil(sequence / 4) * 4 : sequence - (sequence % 4) + 1
  }
  for (let at = 0; at < 30_000; at += 16) {
    nowMs = at
    const frame = pictureOf(answered(), clipStartUs + at * 1000)
    recorder.frame({ ...frame, sequence: sequence++ })
  }
  await recorder.close()
  const files = await Promise.all(spool.all().map(({ path }) => read(path)))
  expect(files.length).toBe(4)
  for (const file of files) expect(file.fragments.flatMap(({ samples }) => samples).length).toBeLessThanOrEqual(601)
  const starts = spool.all().map(({ startedUs }) => startedUs)
  starts.slice(1).forEach((start, index) => {
    expect(start - (starts[index] ?? 0)).toBe(lengthOf(files[index] as Read))
  })
})

test('chapters that begin together share one key frame, and a still screen gives none', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  recorder.mark()
  show(recorder, 0, 0)
  recorder.mark()
  expect(keys).toBe(0)
  for (let sequence = 1; sequence < 400; sequence += 1) if (sequence % 4 !== 0) show(recorder, sequence, sequence * 16)
  keys = 0
  recorder.interrupt()
  show(recorder, 4, 7000)
  show(recorder, 5, 13_000)
  for (let times = 0; times < 20; times += 1) recorder.mark()
  expect(keys).toBe(1)
  show(recorder, 8, 13_010)
  await recorder.close()
  expect(spool.all().at(-1)?.startedUs).toBe(clipStartUs + 13_010_000)
})

test('a lost picture or another size ends the segment, and the next begins with a key frame', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  show(recorder, 0, 0)
  show(recorder, 2, 50)
  expect([recorder.writes, keys]).toEqual([false, 1])
  show(recorder, 4, 100)
  recorder.frame({ ...pictureOf(8, clipStartUs + 150_000), width: 640 })
  await recorder.close()
  expect(spool.all().length).toBe(3)
})

test('what a killed host was writing is kept up to its last whole fragment', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  for (let sequence = 0; sequence < 4; sequence += 1) show(recorder, sequence, sequence * 400)
  for (const at of [2000, 2400, 2800]) show(recorder, at === 2000 ? 4 : at === 2400 ? 5 : 6, at)
  const path = spool.pathFor(session, clipStartUs)
  const written = async (): Promise<number> => (await readFile(path)).length
  await expect.poll(written).toBeGreaterThan(1500)
  const torn = (await written()) - 3
  await truncate(path, torn)
  const again = await openSpool()
  expect(again.all().length).toBe(1)
  const file = await read(again.all()[0]?.path ?? '')
  expect(file.bytes).toBeLessThan(torn)
  expect(file.fragments.length).toBeGreaterThan(0)
  await recorder.close()
})

test('the spool is bounded: the oldest part goes first, and it is told', async () => {
  const spool = await openSpool(5000)
  const recorder = recorderOf(spool)
  for (let round = 0; round < 6; round += 1) {
    for (let sequence = 0; sequence < 8; sequence += 1) show(recorder, sequence, round * 30_000 + sequence * 100)
    await recorder.close()
  }
  expect(spool.size).toBeLessThanOrEqual(5000)
  expect(lost.length).toBe(6 - spool.all().length)
  expect(spool.all().at(-1)?.startedUs).toBe(clipStartUs + 150_000_000)
  expect(await spool.evict('memory')).toBe(0)
  expect(await spool.evict('disk')).toBeGreaterThan(0)
})

test('a disk that refuses loses the segment and says so, and the next is tried', async () => {
  const spool = await openSpool()
  const recorder = recorderOf(spool)
  await rm(join(folder, session.sessionId), { recursive: true })
  show(recorder, 0, 0)
  await recorder.close()
  expect(lost).toHaveLength(1)
  await spool.prepare(session.sessionId)
  show(recorder, 4, 1000)
  expect(recorder.writes).toBe(false)
  show(recorder, 4, 40_000)
  await recorder.close()
  expect(spool.all()).toHaveLength(1)
})
