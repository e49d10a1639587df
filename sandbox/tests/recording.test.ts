import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { HostId, SessionId } from '@helix/contract/ids'
import { type Fragment, readBox, readFragment } from '@helix/contract/segment-bytes'
import { streamPath } from '@helix/contract/stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { TicketMaker } from '../src/stream/testing-tickets.ts'
import { TestViewer } from '../src/stream/testing-viewer.ts'
import { openWorld, until, type World } from './world.ts'

const maker = new TicketMaker()
const streamEnvironment = { HELIX_STREAM_PORT: '0', HELIX_STREAM_LISTEN: '127.0.0.1' }
let world: World
let host: Context
let sessionId: SessionId
let containerId: string
const rounds: NodeJS.Timeout[] = []

beforeAll(async () => {
  world = await openWorld()
  world.plane.machine = { ...world.plane.machine, desktop: { enabled: true, width: 1280, height: 720, scale: 100, fps: 60 } }
  host = await boot()
  await host.packs.ensure('goose_code')
  sessionId = world.plane.addSession()
  await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
  containerId = (await world.engine.listContainers(sessionLabels(host.owner, sessionId)))[0]?.id ?? ''
})
afterAll(async () => {
  for (const round of rounds) clearInterval(round)
  await world[Symbol.asyncDispose]()
})

async function boot(): Promise<Context> {
  const context = await world.boot(streamEnvironment)
  context.streams.streams.trust([maker.publicKey])
  await context.record()
  rounds.push(
    setInterval(() => void context.recordings?.look(), 500),
    setInterval(() => void context.recordings?.ask(), 1000),
  )
  return context
}

const inside = async (command: string): Promise<string> => {
  const as = ['exec', '--user', 'agent', '--env', 'DISPLAY=:1', '--env', 'HOME=/home/agent', containerId]
  return (await promisify(execFile)('docker', [...as, 'bash', '-c', command], { maxBuffer: 1e8 })).stdout.trim()
}
const spooled = (): Promise<string[]> => readdir(join(host.config.stateDir, 'recordings', sessionId)).catch(() => [])
const soon = (claim: () => boolean | Promise<boolean>) => until(claim, 60_000)
const segments = (): Buffer[] => [...world.plane.segments].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, body]) => body)

function fragmentsOf(segment: Buffer): Fragment[] {
  const fragments: Fragment[] = []
  for (let at = 0; at < segment.length; ) {
    const box = readBox(segment.subarray(at))
    if (box === null) throw new Error(`no box at ${at}`)
    const fragment = box.type === 'moof' ? readFragment(segment.subarray(at, at + box.size)) : null
    if (fragment !== null) fragments.push(fragment)
    at += box.size
  }
  return fragments
}
const pictures = (segment: Buffer): number => fragmentsOf(segment).reduce((sum, { samples }) => sum + samples.length, 0)

/** What Chromium in the session makes of it: its size, and how many colours its last picture has in a coarse grid. */
async function decoded(segment: Buffer): Promise<{ width: number; height: number; seconds: number; colours: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'helix-decoded-'))
  try {
    await writeFile(join(folder, 'film.mp4'), segment)
    await promisify(execFile)('docker', ['cp', join(folder, 'film.mp4'), `${containerId}:/tmp/film.mp4`])
    await promisify(execFile)('docker', ['cp', fileURLToPath(new URL('./decode.mjs', import.meta.url)), `${containerId}:/tmp/decode.mjs`])
  } finally {
    await rm(folder, { recursive: true })
  }
  return JSON.parse(await inside('timeout 60 node /tmp/decode.mjs'))
}

test('nothing is recorded, and no desktop is started, before somebody or the agent starts it', async () => {
  await host.recordings?.ask()
  await host.recordings?.look()
  expect(host.registry.find(sessionId)?.link.status?.desktop ?? false).toBe(false)
  expect(host.streams.streams.size).toBe(0)
  expect(await spooled()).toEqual([])
})

test('what moves on a running desktop arrives as a film that Chromium plays, whether or not somebody looks', async () => {
  {
    const claims = { hostId: host.identity.hostId as HostId, sessionId, exp: Math.floor(Date.now() / 1000) + 31 }
    const url = `ws://127.0.0.1:${host.streams.report.stream?.port}${streamPath(host.identity.hostId as HostId, sessionId)}`
    using viewer = await TestViewer.open(url, maker.make(claims))
    await soon(() => viewer.frames.some(({ key }) => key))
  }
  await soon(() => host.registry.find(sessionId)?.link.status?.desktop === true)
  await soon(() => world.plane.noted.some(({ state }) => state === 'recording'))
  await move('first', 60)
  // A screen that is still for twenty seconds ends its segment.
  await soon(() => segments().some((segment) => pictures(segment) > 20))
  const film = segments().find((segment) => pictures(segment) > 20) as Buffer
  const [first] = fragmentsOf(film)
  expect([first?.base, first?.samples[0]?.key]).toEqual([0, true])
  const shown = await decoded(film)
  expect(shown).toMatchObject({ width: 1280, height: 720 })
  expect(shown.colours).toBeGreaterThan(3)
  expect(shown.seconds).toBeGreaterThan(2)
  await soon(async () => (await spooled()).every((name) => name.endsWith('.part')))
  console.info(`recorded ${pictures(film)} pictures in ${shown.seconds.toFixed(1)} s, ${film.length} bytes`)
})

test('a host that is killed in the middle loses no finished segment, and of the open one its last moments only', async () => {
  await soon(async () => (await spooled()).length === 0)
  for (const round of rounds.splice(0)) clearInterval(round)
  await host.close()
  const { arrivals } = world.plane
  await die(async () => {
    await soon(async () => (await spooled()).some((name) => name.endsWith('.part')))
    await move('second', 100)
  })
  // The next one finishes what was begun, finds the control plane full, and dies too.
  world.plane.storing = false
  await die(() => soon(() => world.plane.noted.some(({ state, reason }) => state === 'paused' && reason !== null)))
  expect(world.plane.arrivals).toBe(arrivals)
  const kept = await spooled()
  expect(kept.length).toBeGreaterThan(0)
  expect(kept.filter((name) => !name.endsWith('.mp4'))).toEqual([])
  world.plane.storing = true
  const next = await boot()
  await soon(() => world.plane.arrivals >= arrivals + kept.length)
  await soon(() => next.recordings?.spool.size === 0)
  const [second] = kept.toSorted()
  const last = segments()[arrivals] as Buffer
  expect([...world.plane.segments.keys()].some((path) => path.endsWith(`/1/${second?.slice(2, -4)}`))).toBe(true)
  expect(pictures(last)).toBeGreaterThan(20)
  expect(await decoded(last)).toMatchObject({ width: 1280, height: 720 })
  // Each came once.
  expect(world.plane.arrivals).toBe(world.plane.segments.size)
  await removeSession(next, sessionId)
})

/** A host process until this is so; then it is killed. */
async function die(when: () => Promise<unknown>): Promise<void> {
  const { packs, ...parts } = world.parts
  const script = fileURLToPath(new URL('./recording-host.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify({ ...parts, prefix: packs.prefix })], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    await when()
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** Something moves for a while: resolves when it does no more. */
async function move(name: string, times: number): Promise<void> {
  const script = `for i in $(seq ${times}); do date +%N; sleep 0.05; done; echo done > /tmp/${name}; sleep 1000`
  await inside(`setsid xfce4-terminal --disable-server --maximize -x bash -c '${script}' >/dev/null 2>&1 &`)
  await soon(async () => (await inside(`cat /tmp/${name} 2>/dev/null || true`)) === 'done')
}
