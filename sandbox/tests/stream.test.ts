import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { HostId, SessionId } from '@helix/contract/ids'
import { streamClose, streamPath } from '@helix/contract/stream'
import type { StreamClaims } from '@helix/contract/stream-tickets'
import { encodeKey, encodePointer } from '@helix/contract/stream-up'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession, suspendSession } from '../src/sessions/stop.ts'
import { TicketMaker } from '../src/stream/testing-tickets.ts'
import { TestViewer } from '../src/stream/testing-viewer.ts'
import { openWorld, until, type World } from './world.ts'

const maker = new TicketMaker()
let world: World
let host: Context
let sessionId: SessionId
let containerId: string

beforeAll(async () => {
  world = await openWorld()
  world.plane.machine = { ...world.plane.machine, desktop: { enabled: true, width: 1280, height: 720, scale: 100, fps: 60 } }
  host = await world.boot({ HELIX_STREAM_PORT: '0', HELIX_STREAM_LISTEN: '127.0.0.1' })
  host.streams.streams.trust([maker.publicKey])
  await host.packs.ensure('goose_code')
  ;({ sessionId, containerId } = await begin())
})
afterAll(() => world[Symbol.asyncDispose]())

async function begin() {
  const id = world.plane.addSession()
  await startSession(host, { sessionId: id, epoch: 0, reason: 'test' }, new AbortController().signal)
  const [container] = await world.engine.listContainers(sessionLabels(host.owner, id))
  return { sessionId: id, containerId: container?.id ?? '' }
}

const hostId = () => host.identity.hostId as HostId
const connect = (claims: Partial<StreamClaims> = {}, id = sessionId) => {
  const exp = Math.floor(Date.now() / 1000) + 31
  const ticket = maker.make({ hostId: hostId(), sessionId: id, exp, ...claims })
  return TestViewer.open(`ws://127.0.0.1:${host.streams.report.stream?.port}${streamPath(hostId(), id)}`, ticket)
}
const inside = async (command: string): Promise<string> => {
  const as = ['exec', '--user', 'agent', '--env', 'DISPLAY=:1', '--env', 'HOME=/home/agent', containerId]
  return (await promisify(execFile)('docker', [...as, 'bash', '-c', command])).stdout.trim()
}
const soon = (claim: () => boolean | Promise<boolean>) => until(claim, 30_000)
/** Nothing has come for half a second. */
async function quiet(viewer: TestViewer): Promise<number> {
  for (let before = -1; before !== viewer.frames.length; await new Promise((resolve) => setTimeout(resolve, 500)))
    before = viewer.frames.length
  return viewer.frames.length
}

test('the first viewer starts the desktop and sees a key frame; the next sees one at once', async () => {
  using viewer = await connect()
  await soon(() => viewer.frames.length > 0)
  expect(viewer.frames[0]).toMatchObject({ key: true, width: 1280, height: 720 })
  expect(viewer.frames[0]?.unit.subarray(0, 4)).toEqual(Buffer.from([0, 0, 0, 1]))
  expect(viewer.lastWord('hello')).toMatchObject({ codec: 'avc1.42c02a', width: 1280, height: 720, right: 'control' })
  expect(host.streams.attended(sessionId)).toBe(true)
  using next = await connect({ userId: 'usr_grace', name: 'Grace', right: 'view' })
  await soon(() => next.frames.some(({ key }) => key))
  await quiet(next)
  expect([viewer.torn, next.torn]).toEqual([0, 0])
})

test('what is typed is seen by everybody, and counts as use; a still screen sends nothing', async () => {
  using viewer = await connect()
  using next = await connect({ userId: 'usr_grace', name: 'Grace', right: 'view' })
  viewer.say({ type: 'take', pausesAgent: false, force: false })
  await soon(() => viewer.lastWord('control')?.holder?.name === 'Ada')
  await inside('setsid xfce4-terminal --disable-server >/dev/null 2>&1 &')
  await soon(async () => Number(await inside('wmctrl -l | grep -c Terminal || true')) > 0)
  viewer.send(encodePointer({ x: 640, y: 360, buttons: 0, relative: false }))
  await quiet(viewer)
  for (const letter of 'touch /tmp/typed') {
    viewer.send(encodeKey({ keysym: letter.charCodeAt(0), down: true }))
    viewer.send(encodeKey({ keysym: letter.charCodeAt(0), down: false }))
  }
  const [before, other] = [viewer.frames.length, next.frames.length]
  viewer.send(encodeKey({ keysym: 0xff0d, down: true }))
  viewer.send(encodeKey({ keysym: 0xff0d, down: false }))
  await soon(async () => (await inside('ls /tmp/typed 2>/dev/null || true')) === '/tmp/typed')
  await soon(() => viewer.frames.length > before && next.frames.length > other)
  expect(host.streams.report.worked).toContain(sessionId)
  await quiet(viewer)
  expect([viewer.torn, next.torn]).toEqual([0, 0])
})

test('take-over passes control, and who lost it is not heard any more', async () => {
  using ada = await connect()
  using grace = await connect({ userId: 'usr_grace', name: 'Grace' })
  ada.say({ type: 'take', pausesAgent: false, force: true })
  await soon(() => grace.lastWord('control')?.holder?.name === 'Ada')
  ada.send(encodePointer({ x: 100, y: 100, buttons: 0, relative: false }))
  await soon(async () => /x:100 y:100/.test(await inside('xdotool getmouselocation')))
  grace.say({ type: 'take', pausesAgent: false, force: true })
  await soon(() => ada.lastWord('control')?.holder?.name === 'Grace')
  ada.send(encodePointer({ x: 200, y: 200, buttons: 0, relative: false }))
  grace.send(encodePointer({ x: 300, y: 300, buttons: 0, relative: false }))
  await soon(async () => /x:300 y:300/.test(await inside('xdotool getmouselocation')))
})

test('another size is one key frame of that size, for everybody', async () => {
  using ada = await connect()
  using grace = await connect({ userId: 'usr_grace', name: 'Grace', right: 'view' })
  await soon(() => grace.frames.length > 0)
  ada.say({ type: 'take', pausesAgent: false, force: true })
  ada.say({ type: 'resize', width: 1024, height: 768 })
  await soon(() => [ada, grace].every((viewer) => viewer.frames.some(({ key, width, height }) => key && width === 1024 && height === 768)))
  expect(grace.lastWord('resized')).toMatchObject({ width: 1024, height: 768 })
  ada.say({ type: 'resize', width: 1280, height: 720 })
  await soon(() => ada.frames.at(-1)?.width === 1280)
})

test('an encoder that is killed is missed for one key frame, and viewers stay', async () => {
  using viewer = await connect()
  await soon(() => viewer.frames.length > 0)
  await quiet(viewer)
  const before = viewer.frames.filter(({ key }) => key).length
  await inside('pkill -9 -x helix-capture')
  await soon(() => viewer.frames.filter(({ key }) => key).length > before)
  expect(viewer.isOpen).toBe(true)
})

test('a project without desktops says so, and a session that is put to rest or stopped closes with its code', async () => {
  const usual = world.plane.machine
  world.plane.machine = { ...usual, desktop: { ...usual.desktop, enabled: false } }
  const without = await begin()
  using none = await connect({}, without.sessionId)
  expect(await none.closed).toMatchObject({ code: streamClose.desktop_failed, reason: expect.stringMatching(/desktop/i) })
  await removeSession(host, without.sessionId)
  world.plane.machine = usual
  using viewer = await connect()
  await soon(() => viewer.frames.length > 0)
  await suspendSession(host, sessionId)
  expect((await viewer.closed).code).toBe(streamClose.session_suspended)
  const again = await begin()
  using last = await connect({}, again.sessionId)
  await soon(() => last.frames.length > 0)
  await removeSession(host, again.sessionId)
  expect((await last.closed).code).toBe(streamClose.session_stopped)
})
