import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { streamClose } from '@helix/contract/stream'
import { encodeAudio, encodeClipboard, encodeCursorMove, encodeCursorShape } from '@helix/contract/stream-down-encode'
import { encodeKey, encodePing, encodePointer } from '@helix/contract/stream-up'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { StreamHost } from './testing-host.ts'
import { TestViewer } from './testing-viewer.ts'

let host: StreamHost
beforeEach(async () => {
  host = await StreamHost.open()
})
afterEach(async () => {
  await host[Symbol.asyncDispose]()
})

const until = (look: () => unknown) => expect.poll(look, { timeout: 8000, interval: 10 }).toBeTruthy()
const count = (viewer: TestViewer) => expect.poll(() => viewer.frames.length, { timeout: 8000, interval: 10 })

test('a viewer is greeted, gets a key frame and then what moves, and nothing while nothing does', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  expect(viewer.frames[0]).toMatchObject({ key: true, width: 1280, height: 720 })
  expect(viewer.lastWord('hello')).toMatchObject({ codec: 'avc1.42c02a', right: 'control', relayed: false, session: host.sessionId })
  expect(viewer.lastWord('viewers')).toMatchObject({ items: [{ name: 'Ada', you: true, controls: false }] })
  host.desktop.frame()
  await count(viewer).toBe(2)
  expect(host.desktop.words).toContainEqual({ type: 'viewers', count: 1 })
})

test('a second viewer joins with one key frame for both, and neither misses a frame', async () => {
  using one = await host.viewer()
  await count(one).toBe(1)
  using two = await host.viewer({ name: 'Grace', userId: 'usr_grace' })
  await count(two).toBe(1)
  for (let index = 0; index < 50; index += 1) host.desktop.frame()
  await count(one).toBe(52)
  await count(two).toBe(51)
  expect([one.torn, two.torn]).toEqual([0, 0])
  expect(host.desktop.connections).toBe(1)
})

test('what is signed for others, used, over or changed opens nothing, and says so', async () => {
  const ticket = host.ticket()
  using first = await TestViewer.open(host.url, ticket)
  await count(first).toBe(1)
  const other = host.sessionId.replace(/q$/, 'r')
  const refused: [string, string][] = [
    [host.url, ticket],
    [host.url, host.ticket({ exp: 1 })],
    [host.url, host.ticket({ sessionId: other as never })],
    [host.url, host.ticket({ hostId: host.hostId.replace(/q$/, 'r') as never })],
    [host.url, host.ticket().replace(/[^.]*$/, 'A'.repeat(86))],
    [host.url, ''],
  ]
  for (const [url, bad] of refused) {
    using viewer = new TestViewer(url, bad)
    expect((await viewer.closed).code).toBe(streamClose.ticket_refused)
    expect(viewer.lastWord('error')).toMatchObject({ code: 'ticket_refused', message: expect.stringContaining('Ask for a new one.') })
  }
  expect(first.isOpen).toBe(true)
})

test('a ticket in the address opens too; a path of another host or session is not found', async () => {
  const plain = new WebSocket(`${host.url}?ticket=${host.ticket()}`)
  await new Promise((resolve) => plain.once('open', resolve))
  const status = (url: string) =>
    new Promise((resolve) => {
      const socket = new WebSocket(url)
      socket.on('unexpected-response', (_, response) => {
        resolve(response.statusCode)
        socket.terminate()
      })
      socket.on('error', () => undefined)
    })
  expect(await status(host.url.replace('hst_01', 'hst_02'))).toBe(404)
  expect(await status(host.url.replace('/desktop', '/desktop/more'))).toBe(404)
  expect(await status(host.url.replace(/sandboxes.*/, ''))).toBe(404)
  plain.terminate()
})

test('a page of somebody else is turned away, where our own are known', async () => {
  host.server.pageOrigins = ['https://helix.example.com']
  using foreign = new TestViewer(host.url, host.ticket(), { origin: 'https://evil.example.com' })
  expect((await foreign.closed).code).toBe(1006)
  using own = new TestViewer(host.url, host.ticket(), { origin: 'https://helix.example.com' })
  await own.opened()
  expect(own.isOpen).toBe(true)
})

test('only who drives is heard; the others are told once, and their pointers are shown', async () => {
  using ada = await host.viewer()
  using grace = await host.viewer({ name: 'Grace', userId: 'usr_grace' })
  using looks = await host.viewer({ name: 'Eve', userId: 'usr_eve', right: 'view' })
  await count(looks).toBe(1)
  ada.say({ type: 'take', pausesAgent: true, force: false })
  await until(() => grace.lastWord('control')?.holder?.name === 'Ada')
  expect(host.desktop.words).toContainEqual({ type: 'lease', holder: { id: expect.any(String), name: 'Ada' }, pausesAgent: true })
  for (let index = 0; index < 5; index += 1) grace.send(encodeKey({ keysym: 0x61, down: true }))
  looks.say({ type: 'take', pausesAgent: false, force: true })
  looks.send(encodePointer({ x: 5, y: 6, buttons: 1, relative: false }))
  looks.say({ type: 'resize', width: 800, height: 600 })
  grace.say({ type: 'take', pausesAgent: false, force: false })
  await until(() => ada.lastWord('viewerMoved'))
  expect(ada.lastWord('viewerMoved')).toMatchObject({ x: 5, y: 6 })
  await until(() => grace.words.some((word) => word.type === 'error' && word.code === 'control_held'))
  ada.send(encodeKey({ keysym: 0x62, down: true }))
  await until(() => host.desktop.input.length > 0)
  expect(host.desktop.input).toEqual([{ type: 'key', keysym: 0x62, down: true }])
  const errors = (viewer: TestViewer) => viewer.words.flatMap((word) => (word.type === 'error' ? [word.code] : []))
  expect(errors(grace)).toEqual(['not_controller', 'control_held'])
  expect(errors(looks)).toEqual(['not_allowed', 'not_controller'])
})

test('take-over lets go what was held down, and tells who had it', async () => {
  using ada = await host.viewer()
  using grace = await host.viewer({ name: 'Grace', userId: 'usr_grace' })
  await count(grace).toBe(1)
  ada.say({ type: 'take', pausesAgent: false, force: false })
  ada.send(encodeKey({ keysym: 0xffe1, down: true }))
  ada.send(encodePointer({ x: 3, y: 4, buttons: 1, relative: false }))
  await until(() => host.desktop.input.length === 2)
  grace.say({ type: 'take', pausesAgent: false, force: true })
  await until(() => ada.lastWord('control')?.holder?.name === 'Grace')
  expect(host.desktop.input.slice(2)).toEqual([
    { type: 'key', keysym: 0xffe1, down: false },
    { type: 'pointer', x: 3, y: 4, buttons: 0, relative: false },
  ])
  grace.say({ type: 'give' })
  await until(() => ada.lastWord('control')?.holder === null)
})

test('who loses the connection drives on with the next one', async () => {
  using ada = await host.viewer()
  using other = await host.viewer({ name: 'Grace', userId: 'usr_grace' })
  await count(other).toBe(1)
  ada.say({ type: 'take', pausesAgent: false, force: false })
  await until(() => other.lastWord('control')?.holder?.name === 'Ada')
  ada.close()
  await until(() => other.lastWord('viewers')?.items.length === 1)
  using again = await host.viewer()
  await until(() => again.lastWord('viewers')?.items.some(({ you, controls }) => you && controls))
})

test('who is cut off comes back with a pass, at once and in control, and the pass opens nothing twice', async () => {
  using cut = await host.viewer()
  await count(cut).toBe(1)
  cut.say({ type: 'take', pausesAgent: true, force: false })
  await until(() => cut.lastWord('control')?.holder)
  cut.sleep()
  const pass = cut.lastWord('hello')?.pass ?? ''
  // It greets nobody: what it wished is known.
  using back = new TestViewer(host.url, pass)
  await count(back).toBe(1)
  expect(back.frames[0]).toMatchObject({ key: true })
  const you = back.lastWord('hello')
  expect(you).toMatchObject({ right: 'control', session: host.sessionId })
  expect(you?.pass).not.toBe(pass)
  await until(() => back.lastWord('control')?.holder?.id === you?.viewerId)
  expect(back.lastWord('control')).toMatchObject({ pausesAgent: true })
  await until(() => back.lastWord('viewers')?.items.length === 1)
  back.say({ type: 'stats', on: false })
  await expect
    .poll(async () => {
      using again = new TestViewer(host.url, pass)
      await again.opened()
      return Promise.race([again.closed.then(({ code }) => code), expect.poll(() => again.frames.length).toBeGreaterThan(0)])
    })
    .toBe(streamClose.ticket_refused)
})

test('where the answer to a pass was lost the same pass opens once more, for who came last', async () => {
  using cut = await host.viewer()
  await count(cut).toBe(1)
  const pass = cut.lastWord('hello')?.pass ?? ''
  cut.sleep()
  using lost = new TestViewer(host.url, pass)
  lost.acknowledges = false
  await count(lost).toBe(1)
  using back = new TestViewer(host.url, pass)
  await count(back).toBe(1)
  expect(back.frames[0]).toMatchObject({ key: true })
  await lost.closed
  await until(() => back.lastWord('viewers')?.items.length === 1)
})

test('a pass opens no other session, and who was sent away has none', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  const pass = viewer.lastWord('hello')?.pass ?? ''
  using elsewhere = new TestViewer(host.url.replace(host.sessionId, host.sessionId.replace(/q$/, 'r')), pass)
  expect((await elsewhere.closed).code).toBe(streamClose.ticket_refused)
  const userId = host.streams.seats()[0]?.userId ?? ''
  host.streams.unseat({ sessionId: host.sessionId, userId, right: 'control' })
  await viewer.closed
  using back = new TestViewer(host.url, pass)
  expect((await back.closed).code).toBe(streamClose.ticket_refused)
})

test('a viewer that reads nothing slows neither the desktop nor the others, and comes back with a key frame', async () => {
  using fast = await host.viewer()
  using slow = await host.viewer({ name: 'Grace', userId: 'usr_grace' })
  await count(slow).toBe(1)
  slow.acknowledges = false
  slow.sleep()
  host.desktop.frameBytes = 50_000
  for (let index = 0; index < 400; index += 1) {
    host.desktop.frame()
    // As a paced supervisor: no third one while two are not acknowledged.
    await until(() => host.desktop.sequence - host.desktop.acknowledged < 2)
  }
  await count(fast).toBeGreaterThan(400)
  expect(fast.torn).toBe(0)
  slow.acknowledges = true
  slow.wake()
  for (const { sequence } of slow.frames.slice(1)) slow.acknowledge(sequence)
  await until(() => slow.frames.filter(({ key }) => key).length > 1)
  expect(slow.frames.length).toBeLessThan(60)
  // What it was sent before it slept may end with frames left out; from the key frame on nothing is.
  expect(slow.torn).toBe(0)
})

test('while nobody takes frames none is encoded, and with the first that does they go on without a key frame', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  viewer.acknowledges = false
  let made = 0
  for (let index = 0; index < 40 && host.desktop.sequence - host.desktop.acknowledged < 2; index += 1) {
    host.desktop.frame()
    made += 1
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(made).toBeLessThan(30)
  const keys = viewer.frames.filter(({ key }) => key).length
  viewer.acknowledges = true
  viewer.acknowledge(viewer.frames.at(-1)?.sequence ?? 0)
  await until(() => host.desktop.sequence === host.desktop.acknowledged)
  host.desktop.frame()
  await count(viewer).toBe(host.desktop.sequence)
  expect([viewer.torn, viewer.frames.filter(({ key }) => key).length]).toEqual([0, keys])
})

test('a hidden tab gets no pictures, and the capture rests when all are hidden', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  viewer.say({ type: 'visibility', visible: false })
  await until(() => host.desktop.words.some((word) => word.type === 'viewers' && word.count === 0))
  expect(host.streams.attended(host.sessionId)).toBe(false)
  host.desktop.frame()
  viewer.say({ type: 'visibility', visible: true })
  await count(viewer).toBe(2)
  expect(viewer.frames[1]?.key).toBe(true)
  expect(host.streams.attended(host.sessionId)).toBe(true)
})

test('when the encoder or the supervisor dies the picture goes on with a key frame', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  host.desktop.drop()
  await count(viewer).toBe(2)
  expect([viewer.frames[1]?.key, host.desktop.connections, viewer.isOpen]).toEqual([true, 2, true])
})

test.each([
  ['suspended', 'session_suspended'],
  ['stopped', 'session_stopped'],
  ['moved', 'session_moved'],
  ['lost', 'session_moved'],
  ['left', 'host_stopping'],
] as const)('a session that is %s closes its viewers with %s', async (how, name) => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  host.session.finish(how)
  expect((await viewer.closed).code).toBe(streamClose[name])
  expect(viewer.lastWord('error')?.code).toBe(name)
  using late = new TestViewer(host.url, host.ticket())
  expect((await late.closed).code).toBe(streamClose.session_moved)
})

test('who may not look any more is seen off, and nobody else', async () => {
  using ada = await host.viewer()
  using grace = await host.viewer({ name: 'Grace', userId: 'usr_grace', right: 'view' })
  await count(grace).toBe(1)
  const seat = { sessionId: host.sessionId, userId: 'usr_grace', right: 'view' as const }
  expect(host.streams.seats()).toEqual([{ ...seat, userId: 'usr_ada', right: 'control' }, seat])
  host.streams.unseat({ ...seat, right: 'control' })
  host.streams.unseat(seat)
  expect((await grace.closed).code).toBe(streamClose.ticket_refused)
  await expect.poll(() => host.streams.seats().length).toBe(1)
  expect(ada.isOpen).toBe(true)
})

test('the host tells its viewers when it stops, and a start of before is not shown', async () => {
  using viewer = await host.viewer()
  using old = new TestViewer(host.url, host.ticket({ epoch: 0 }))
  expect((await old.closed).code).toBe(streamClose.session_moved)
  host.streams.close()
  expect((await viewer.closed).code).toBe(streamClose.host_stopping)
})

test('a session without a desktop says why', async () => {
  host.desktop.refusal = { status: 409, message: 'The project has no desktops: turn them on in its settings.' }
  using viewer = await host.viewer()
  expect(await viewer.closed).toEqual({
    code: streamClose.desktop_failed,
    reason: 'The project has no desktops: turn them on in its settings.',
  })
  host.desktop.refusal = { status: 401, message: '' }
  using second = await host.viewer()
  expect((await second.closed).code).toBe(streamClose.desktop_failed)
})

test('what the desktop says of its failures reaches viewers, who stay', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  host.desktop.say({ type: 'failed', message: 'The encoder ended five times: it is tried again in a minute.' })
  await until(() => viewer.lastWord('error')?.code === 'desktop_failed')
  expect(viewer.isOpen).toBe(true)
  using late = await host.viewer()
  await until(() => late.lastWord('error')?.code === 'desktop_failed')
})

test('the cursor is told to who comes later, and the clipboard to who drives only', async () => {
  using ada = await host.viewer()
  await count(ada).toBe(1)
  const shape = { hidden: false, width: 1, height: 1, hotX: 0, hotY: 0, serial: 3, pixels: Buffer.alloc(4) }
  host.desktop.send(encodeCursorShape(shape))
  host.desktop.send(encodeCursorMove({ x: 7, y: 8 }))
  host.desktop.send(encodeClipboard({ kind: 'text', bytes: Buffer.from('secret') }))
  await until(() => ada.messages.some(({ type }) => type === 'cursorMove'))
  using late = await host.viewer()
  await until(() => late.messages.some(({ type }) => type === 'cursorMove'))
  expect(late.messages.find(({ type }) => type === 'cursorShape')).toMatchObject({ serial: 3 })
  expect([...ada.messages, ...late.messages].some(({ type }) => type === 'clipboard')).toBe(false)
  ada.say({ type: 'take', pausesAgent: false, force: false })
  await until(() => ada.messages.some(({ type }) => type === 'clipboard'))
  const large = encodeClipboard({ kind: 'png', bytes: Buffer.alloc(4 * 1024 * 1024) })
  ada.send(large)
  await until(() => host.desktop.input.some((message) => message.type === 'clipboard'))
  expect(late.messages.some(({ type }) => type === 'clipboard')).toBe(false)
})

test('sound is made while somebody listens', async () => {
  using viewer = await host.viewer({}, { audio: true })
  await count(viewer).toBe(1)
  viewer.say({ type: 'audio', on: true })
  await until(() => host.desktop.words.some((word) => word.type === 'audio' && word.on))
  host.desktop.send(encodeAudio({ sequence: 1, capturedUs: 1, packet: Buffer.from('opus') }))
  await until(() => viewer.messages.some(({ type }) => type === 'audio'))
  viewer.close()
  await until(() => host.desktop.words.some((word) => word.type === 'audio' && !word.on))
})

test('a browser that decodes no H.264 gets stills, and only new ones', async () => {
  using viewer = await host.viewer({}, { webcodecs: false, stills: true })
  viewer.say({ type: 'stills', on: true, everyMs: 100 })
  const stills = () => viewer.messages.filter(({ type }) => type === 'still').length
  await until(() => host.desktop.words.filter(({ type }) => type === 'still').length > 5)
  const before = stills()
  expect(before).toBeLessThan(3)
  host.desktop.picture = Buffer.from('another')
  await expect.poll(stills).toBe(before + 1)
  expect([viewer.frames.length, host.desktop.words.some((word) => word.type === 'viewers' && word.count > 0)]).toEqual([0, false])
  using neither = await host.viewer({}, { webcodecs: false, stills: false })
  expect((await neither.closed).code).toBe(streamClose.unsupported)
})

test('a recorder looks in this process, and paces nobody', async () => {
  const recorded: number[] = []
  const end = host.streams.join(host.sessionId, {
    wantsFrames: () => true,
    received: (message) => void (message.type === 'frame' && recorded.push(message.sequence)),
    said: () => undefined,
    restarted: () => undefined,
  })
  await expect.poll(() => recorded.length).toBe(1)
  for (let index = 0; index < 5; index += 1) host.desktop.frame()
  await expect.poll(() => recorded.length).toBe(6)
  await expect.poll(() => host.desktop.acknowledged).toBe(6)
  end?.()
  expect(
    host.streams.join('ses_other' as never, {
      wantsFrames: () => true,
      received: () => undefined,
      said: () => undefined,
      restarted: () => undefined,
    }),
  ).toBeNull()
})

test('figures come each second to who asks, and the clock of the host by ping', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  viewer.say({ type: 'stats', on: true })
  viewer.send(encodePing({ clientUs: 77 }))
  await until(() => viewer.lastWord('stats'))
  expect(viewer.lastWord('stats')).toMatchObject({ queue: 0, dropped: 0, relayed: false, rate: { kbps: 8000, fps: 60, scale: 100 } })
  const pong = viewer.messages.find(({ type }) => type === 'pong')
  expect(pong).toMatchObject({ clientUs: 77, serverUs: expect.closeTo(Date.now() * 1000, -7) })
})

test('nonsense from a viewer ends its connection and nobody else’s', async () => {
  using good = await host.viewer()
  await count(good).toBe(1)
  const nonsense: [Uint8Array | string, number][] = [
    ['{', streamClose.bad_message],
    ['{"type":"resize","width":-1,"height":1}', streamClose.bad_message],
    [Buffer.from([35, 0]), streamClose.bad_message],
    [Buffer.alloc(streamLimit, 36), streamClose.too_large],
    ['x'.repeat(70_000), streamClose.too_large],
    [Buffer.alloc(5 * 1024 * 1024, 36), 1009],
  ]
  for (const [bytes, code] of nonsense) {
    using viewer = await host.viewer()
    viewer.send(bytes)
    expect((await viewer.closed).code).toBe(code)
  }
  using early = new TestViewer(host.url, host.ticket())
  await early.opened()
  early.send(encodeKey({ keysym: 1, down: true }))
  expect((await early.closed).code).toBe(streamClose.bad_message)
  // What a version to come may say is left out.
  good.send('{"type":"sing"}')
  good.send(Buffer.from([99, 0, 1]))
  good.send(encodePing({ clientUs: 1 }))
  await until(() => good.messages.some(({ type }) => type === 'pong'))
})
const streamLimit = 6000

test('nonsense from a desktop reaches no viewer, and ends nothing', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  for (const bytes of [Buffer.from([1, 0]), Buffer.from([200, 1, 2]), '{', '{"type":"sing"}', Buffer.alloc(0), Buffer.from([2, 0, 9])])
    host.desktop.send(bytes)
  host.desktop.frame()
  await count(viewer).toBe(2)
})

test('ten thousand key events at once all arrive, in order', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  viewer.say({ type: 'take', pausesAgent: false, force: false })
  await until(() => viewer.lastWord('control')?.holder)
  for (let index = 0; index < 10_000; index += 1) viewer.send(encodeKey({ keysym: 0x20 + (index % 90), down: index % 2 === 0 }))
  await until(() => host.desktop.input.length === 10_000)
  expect(host.desktop.input.every((message, index) => message.type === 'key' && message.keysym === 0x20 + (index % 90))).toBe(true)
})

test('a flood of connections from one address gets little, and who is connected notices nothing', async () => {
  using viewer = await host.viewer()
  await count(viewer).toBe(1)
  const status = () =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(host.url, { perMessageDeflate: false })
      socket.on('unexpected-response', (_, response) => {
        resolve(response.statusCode ?? 0)
        socket.terminate()
      })
      socket.on('open', () => {
        resolve(101)
        socket.terminate()
      })
      socket.on('error', () => resolve(-1))
    })
  const answers = await Promise.all(Array.from({ length: 500 }, status))
  expect(answers.filter((answer) => answer === 429).length).toBeGreaterThan(400)
  host.desktop.frame()
  await count(viewer).toBe(2)
})

test('a port that is taken keeps nobody from coming through the control plane, and is taken when it is free', async () => {
  const { port } = host.server.address
  expect(port).toBeGreaterThan(0)
  const holder = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => holder.once('listening', resolve))
  const taken = (holder.address() as AddressInfo).port
  const { StreamServer } = await import('./server.ts')
  const { pino } = await import('pino')
  const input = { hostId: host.hostId, listen: '127.0.0.1', publicUrl: 'http://x', streams: host.streams, log: pino({ level: 'silent' }) }
  const server = new StreamServer({ ...input, port: taken, changed: () => undefined })
  await server.listen()
  expect(server.address).toEqual({})
  await server[Symbol.asyncDispose]()
  holder.close()
})
