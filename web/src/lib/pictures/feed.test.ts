import type { SessionId } from '@helix/contract/ids'
import { encodeStill } from '@helix/contract/stream-down-encode'
import { beforeEach, expect, test } from 'vitest'
import { type FeedEvents, PictureFeed, type Tile } from './feed.ts'

const [one, two] = ['ses_1', 'ses_2'] as unknown as [SessionId, SessionId]

let feed: PictureFeed
let sockets: { events: FeedEvents; sent: string[]; closed: boolean }[]
let timers: { ms: number; then: () => void }[]
let seen: string[]
beforeEach(() => {
  sockets = []
  timers = []
  seen = []
  feed = new PictureFeed({
    open(events) {
      const socket = { events, sent: [] as string[], closed: false }
      sockets.push(socket)
      return {
        send: (text) => void socket.sent.push(text),
        close: () => {
          socket.closed = true
        },
      }
    },
    later(ms, then) {
      const timer = { ms, then }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
    pauseMs: (attempt) => 1000 * 2 ** attempt,
  })
})

const wait = (): number => {
  const timer = timers.shift()
  timer?.then()
  return timer?.ms ?? 0
}
const tile = (name: string): Tile => ({
  picture: (jpeg) => void seen.push(`${name} ${Buffer.from(jpeg)}`),
  state: (state) => void seen.push(`${name} ${state}`),
})
const still = (requestId: number, text: string): ArrayBuffer =>
  encodeStill({ width: 1, height: 1, sequence: 1, capturedUs: 1, requestId, jpeg: Buffer.from(text) }).buffer
const listed = (): string[] =>
  JSON.parse(sockets.at(-1)?.sent.at(-1) ?? '{"items":[]}').items.map((item: { sessionId: string }) => item.sessionId)

test('tiles that come into sight together share one connection and one message, and get their pictures by number', () => {
  feed.watch(one, tile('a'))
  feed.watch(two, tile('b'))
  feed.watch(one, tile('c'))
  expect(sockets).toEqual([])
  expect(wait()).toBe(100)
  sockets[0]?.events.open()
  expect(sockets[0]?.sent).toEqual(['{"type":"watch","items":[{"n":1,"sessionId":"ses_1"},{"n":2,"sessionId":"ses_2"}]}'])
  sockets[0]?.events.message(still(2, 'x'))
  sockets[0]?.events.message(still(9, 'nobody’s'))
  sockets[0]?.events.message('{"type":"state","n":1,"state":"off"}')
  sockets[0]?.events.message('{"type":"news"}')
  expect(seen).toEqual(['b x', 'a off', 'c off'])
})

test('what is out of sight is not asked for, and without a tile in sight there is no connection', () => {
  const ends = [feed.watch(one, tile('a')), feed.watch(two, tile('b'))]
  wait()
  sockets[0]?.events.open()
  ends[0]?.()
  wait()
  expect(listed()).toEqual(['ses_2'])
  ends[1]?.()
  wait()
  expect(sockets[0]?.closed).toBe(true)
  sockets[0]?.events.message(still(2, 'late'))
  expect([seen, timers]).toEqual([[], []])
})

test('a tab that nobody sees has no connection, and gets one when it is seen again', () => {
  feed.watch(one, tile('a'))
  wait()
  sockets[0]?.events.open()
  feed.seen(false)
  wait()
  expect(sockets[0]?.closed).toBe(true)
  feed.seen(true)
  wait()
  sockets[1]?.events.open()
  expect(listed()).toEqual(['ses_1'])
})

test('a lost connection is dialled again with growing pauses, and old pictures are not shown as new ones', () => {
  feed.watch(one, tile('a'))
  wait()
  sockets[0]?.events.close(1006)
  expect(seen).toEqual(['a none'])
  expect(wait()).toBe(1000)
  sockets[1]?.events.close(1006)
  expect(wait()).toBe(2000)
  sockets[2]?.events.open()
  sockets[2]?.events.close(1012)
  expect(wait()).toBe(1000)
  expect(sockets).toHaveLength(4)
})

test('who is not signed in any more is not asked for again', () => {
  feed.watch(one, tile('a'))
  wait()
  sockets[0]?.events.close(4401)
  feed.watch(two, tile('b'))
  expect([timers, sockets.length]).toEqual([[], 1])
})
