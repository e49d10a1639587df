import { once } from 'node:events'
import { desktopPicturesPath, type PictureState, pictureLimits, type WatchPictures } from '@helix/contract/desktop-pictures'
import type { HostId, OrgId, ProjectId, SessionId } from '@helix/contract/ids'
import type { HostDown, HostUp } from '@helix/contract/link'
import { createSession } from '@helix/contract/session-life'
import { decodeDown } from '@helix/contract/stream-down'
import { encodeStill } from '@helix/contract/stream-down-encode'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { newId } from '../context.ts'
import { IdentityStore } from '../identity/store.ts'
import { addProject } from '../internal/testing.ts'
import { testTokens } from '../testing/context.ts'
import { openReplica } from '../testing/replica.ts'
import { openTestServer, type Person, type TestServer } from '../testing/server.ts'

/** A host that draws what it is asked for. */
class DrawingHost {
  readonly hostId: HostId = newId('host')
  readonly asked: WatchPictures[] = []
  private readonly socket: WebSocket

  constructor(url: string) {
    const headers = { authorization: `Bearer ${testTokens.runner}` }
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/internal/v1/hosts/connect`, { headers })
    this.socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as HostDown
      if (frame.type === 'watchPictures') this.asked.push(frame)
    })
  }

  /** `pictures`: hosts of the version before say nothing of them. */
  async join(pictures: boolean): Promise<void> {
    await once(this.socket, 'open')
    const welcome = once(this.socket, 'message')
    this.say({ type: 'hello', hostId: this.hostId, name: 'here', bootId: 'boot', version: '1' })
    await welcome
    const rest = { running: 0, rung: 'userns', innerDocker: true, filtered: true, packs: [], freeDiskBytes: 1, problem: null }
    this.say({ type: 'report', capacity: 100, ...rest, ...(pictures && { pictures }) })
  }

  say(frame: HostUp): void {
    this.socket.send(JSON.stringify(frame))
  }

  get watched(): string[] {
    return (this.asked.at(-1)?.items ?? []).map(({ sessionId }) => sessionId)
  }

  numberOf(sessionId: SessionId): number {
    return this.asked.at(-1)?.items.find((item) => item.sessionId === sessionId)?.n ?? 0
  }

  draw(requestId: number, text: string, bytes = 100): void {
    const jpeg = Buffer.alloc(bytes, 0x20)
    jpeg.write(text)
    this.socket.send(encodeStill({ width: 320, height: 180, sequence: 5, capturedUs: 7, requestId, jpeg }))
  }

  async leave(): Promise<void> {
    this.socket.close()
    await once(this.socket, 'close')
  }
}

/** A page with tiles. */
class Page {
  readonly seen: [number, string][] = []
  readonly socket: WebSocket

  constructor(key: string | null, url = server.url) {
    const headers = key === null ? {} : { authorization: `Bearer ${key}` }
    this.socket = new WebSocket(`${url.replace('http', 'ws')}${desktopPicturesPath}`, { headers })
    pages.push(this)
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data, isBinary) => {
      if (isBinary) {
        const still = decodeDown(data as Buffer)
        if (still.type === 'still') this.seen.push([still.requestId, Buffer.from(still.jpeg).toString().trim()])
      } else {
        const { n, state } = JSON.parse(String(data)) as { n: number; state: PictureState }
        this.seen.push([n, state])
      }
    })
  }

  async watch(items: Record<number, SessionId>): Promise<this> {
    if (this.socket.readyState === WebSocket.CONNECTING) await once(this.socket, 'open')
    const list = Object.entries(items).map(([n, sessionId]) => ({ n: Number(n), sessionId }))
    this.socket.send(JSON.stringify({ type: 'watch', items: list }))
    return this
  }
}

/** Machines of CI are slow at times. */
const soon = <T>(look: () => T) => expect.poll(look, { timeout: 10_000 })

let server: TestServer
let person: Person
let stranger: Person
let host: DrawingHost
let projectId: ProjectId
let sessionId: SessionId
let pages: Page[] = []
beforeAll(async () => {
  server = await openTestServer()
  person = await server.addPerson()
  stranger = await server.addPerson()
})
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(async () => {
  for (const { socket } of pages) socket.terminate()
  pages = []
  host = new DrawingHost(server.url)
  await host.join(true)
  await soon(() => server.context.pictures.hostHere(host.hostId) !== null).toBe(true)
  projectId = (await addProject(person)).id
  sessionId = await running(host.hostId)
  return () => host.leave()
})

async function running(hostId: HostId | null): Promise<SessionId> {
  const { id } = await person.call(createSession, { params: { projectId }, body: {} })
  await server.context
    .db('agent_sessions')
    .where({ id })
    .update({ host_id: hostId, state: hostId === null ? 'suspended' : 'idle', epoch: 1 })
  return id
}

test('a page gets the pictures of its sessions under its own numbers, and the host is asked for each once, and for none when nobody looks', async () => {
  const other = await running(host.hostId)
  const page = await new Page(person.apiKey).watch({ 7: sessionId, 9: other })
  const second = await new Page(person.apiKey).watch({ 1: sessionId })
  await soon(() => host.watched.toSorted()).toEqual([sessionId, other].toSorted())
  expect(host.asked.at(-1)?.items[0]?.epoch).toBe(1)
  host.draw(host.numberOf(sessionId), 'first')
  await soon(() => [page.seen, second.seen]).toEqual([[[7, 'first']], [[1, 'first']]])
  // Who comes later sees what the others see, without another picture of the host.
  const late = await new Page(person.apiKey).watch({ 3: sessionId })
  await soon(() => late.seen).toEqual([[3, 'first']])
  host.say({ type: 'pictureState', n: host.numberOf(sessionId), state: 'off' })
  await soon(() => page.seen.at(-1)).toEqual([7, 'off'])
  await page.watch({ 9: other })
  for (const { socket } of [second, late]) socket.close()
  await soon(() => host.watched).toEqual([other])
  page.socket.close()
  await soon(() => host.watched).toEqual([])
})

test('what somebody may not see is not there for them, and they lose what they may not see any more', async () => {
  const page = await new Page(person.apiKey).watch({ 1: sessionId })
  const strange = await new Page(stranger.apiKey).watch({ 1: sessionId, 2: newId('session') })
  await expect
    .poll(() => strange.seen)
    .toEqual([
      [1, 'none'],
      [2, 'none'],
    ])
  const { db } = server.context
  const reader = await addMember(person.orgId)
  const member = await new Page(reader.apiKey).watch({ 4: sessionId })
  await soon(() => host.watched).toEqual([sessionId])
  host.draw(host.numberOf(sessionId), 'one')
  await soon(() => [page.seen.length, member.seen]).toEqual([1, [[4, 'one']]])
  await db('projects').where({ id: projectId }).update({ visibility: 'private' })
  await soon(() => member.seen.at(-1)).toEqual([4, 'none'])
  host.draw(host.numberOf(sessionId), 'two')
  await soon(() => page.seen.at(-1)).toEqual([1, 'two'])
  expect(member.seen.some(([, text]) => text === 'two')).toBe(false)
  const closed = once(member.socket, 'close')
  await db('memberships').where({ user_id: reader.userId }).update({ deactivated_at: db.fn.now() })
  expect((await closed)[0]).toBe(4401)
  expect(strange.seen).toHaveLength(2)
})

async function addMember(orgId: OrgId): Promise<{ userId: string; apiKey: string }> {
  const { db } = server.context
  const userId = newId('user')
  await db('users').insert({ id: userId, email: `${userId}@example.com`, name: 'Reader' })
  await db('memberships').insert({ org_id: orgId, user_id: userId, role: 'viewer' })
  return { userId, apiKey: (await new IdentityStore(db).createApiKey(orgId, userId, 'test')).secret }
}

test('strangers, other sites, nonsense and too many pages are turned away', async () => {
  const refusal = async (socket: WebSocket): Promise<string> => String((await once(socket, 'error'))[0])
  expect(await refusal(new Page(null).socket)).toContain('401')
  const headers = { cookie: 'helix=x', origin: 'https://evil.example' }
  expect(await refusal(new WebSocket(`${server.url.replace('http', 'ws')}${desktopPicturesPath}`, { headers }))).toContain('403')
  const nonsense = new Page(person.apiKey)
  await once(nonsense.socket, 'open')
  nonsense.socket.send('{"type":"watch"}')
  expect((await once(nonsense.socket, 'close'))[0]).toBe(1008)
  const busy = new Page(person.apiKey)
  await once(busy.socket, 'open')
  for (let n = 0; n < 30; n++) busy.socket.send(JSON.stringify({ type: 'watch', items: [] }))
  expect((await once(busy.socket, 'close'))[0]).toBe(1008)
  const many = Array.from({ length: 12 }, () => new Page(person.apiKey))
  await Promise.all(many.map(({ socket }) => once(socket, 'open')))
  expect(await refusal(new Page(person.apiKey).socket)).toContain('429')
})

test('a host of the version before is asked for nothing, and its sessions have no pictures', async () => {
  const older = new DrawingHost(server.url)
  await older.join(false)
  const there = await running(older.hostId)
  const asleep = await running(null)
  const page = await new Page(person.apiKey).watch({ 1: there, 2: asleep })
  await expect
    .poll(() => page.seen.toSorted())
    .toEqual([
      [1, 'none'],
      [2, 'none'],
    ])
  expect(older.asked).toEqual([])
  await older.leave()
})

test('pictures that nobody asked for, of another host, or too large reach nobody', async () => {
  const page = await new Page(person.apiKey).watch({ 1: sessionId })
  await soon(() => host.watched).toEqual([sessionId])
  const other = new DrawingHost(server.url)
  await other.join(true)
  other.draw(host.numberOf(sessionId), 'forged')
  host.draw(999, 'unasked')
  host.draw(host.numberOf(sessionId), 'large', pictureLimits.bytes + 1)
  host.draw(host.numberOf(sessionId), 'right')
  await soon(() => page.seen).toEqual([[1, 'right']])
  await other.leave()
})

test('a session that goes to another host, and a host that comes back, are followed', async () => {
  const page = await new Page(person.apiKey).watch({ 1: sessionId })
  await soon(() => host.watched).toEqual([sessionId])
  const other = new DrawingHost(server.url)
  await other.join(true)
  await server.context.db('agent_sessions').where({ id: sessionId }).update({ host_id: other.hostId, epoch: 2 })
  await soon(() => [host.watched, other.watched]).toEqual([[], [sessionId]])
  expect(other.asked.at(-1)?.items[0]?.epoch).toBe(2)
  await other.leave()
  await soon(() => page.seen.at(-1)).toEqual([1, 'none'])
})

test('a page of another replica gets the same pictures over the replica that has the link, and only replicas are let in there', async () => {
  await using replica = await openReplica(server)
  await server.context.db('host_links').where({ host_id: host.hostId }).update({ address: server.url })
  const here = await new Page(person.apiKey).watch({ 1: sessionId })
  const there = await new Page(person.apiKey, replica.url).watch({ 5: sessionId })
  await soon(() => host.watched).toEqual([sessionId])
  host.draw(host.numberOf(sessionId), 'both')
  await soon(() => [here.seen, there.seen]).toEqual([[[1, 'both']], [[5, 'both']]])
  here.socket.close()
  await once(here.socket, 'close')
  host.draw(host.numberOf(sessionId), 'more')
  await soon(() => there.seen.at(-1)).toEqual([5, 'more'])
  there.socket.close()
  await soon(() => host.watched).toEqual([])
  const address = `${server.url.replace('http', 'ws')}/internal/v1/host-pictures/${host.hostId}`
  for (const headers of [{}, { authorization: `Bearer ${testTokens.runner}` }, { authorization: `Bearer ${person.apiKey}` }])
    expect(String((await once(new WebSocket(address, { headers }), 'error'))[0])).toContain('401')
})
