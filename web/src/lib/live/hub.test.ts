import { beforeEach, describe, expect, test } from 'vitest'
import { LiveHub } from './hub.ts'
import type { Feed, LiveState, Sink } from './news.ts'
import { listener, piece } from './testing.ts'

let states: LiveState[] = []
let sink: Sink
let hub: LiveHub
const feed: Feed = {
  start(given) {
    sink = given
  },
  stop() {},
  nudge() {},
}
const settled = () => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  states = []
  hub = new LiveHub(feed, (state) => states.push(state))
})

describe('the live events of a tab', () => {
  test('go on from where the first page was read, and nobody has to read again', () => {
    const board = listener()
    hub.subscribe(board, '41')
    hub.start()
    expect(sink.last()).toBe(41)
    sink.take(piece(41, 42))
    expect(board.seen).toEqual(['42'])
    expect(hub.position()).toBe('42')
  })

  test('begin at the oldest of what was read before', () => {
    const [board, count] = [listener(), listener()]
    hub.subscribe(board, '41')
    hub.subscribe(count, '38')
    hub.start()
    expect(sink.last()).toBe(38)
  })

  test('who does not know how current it is reads again when the first news come, and only who does not know', () => {
    const [task, board] = [listener(), listener()]
    hub.subscribe(board, '5')
    hub.start()
    hub.subscribe(task, null)
    sink.take(piece(5, 5))
    expect([task.seen, board.seen]).toEqual([['resync'], []])
  })

  test('events that came between the reading and the listening are replayed', () => {
    hub.subscribe(listener(), '10')
    hub.start()
    sink.take(piece(10, 11))
    const position = hub.position()
    sink.take(piece(11, 12))
    const late = listener()
    hub.subscribe(late, position)
    sink.take(piece(12, 13))
    expect(late.seen).toEqual(['12', '13'])
  })

  test('what was read before the memory begins is read again', async () => {
    hub.subscribe(listener(), '10')
    hub.start()
    sink.take(piece(10, 2000))
    const late = listener()
    hub.subscribe(late, '500')
    await settled()
    expect(late.seen).toEqual(['resync'])
  })

  test('an event that comes twice is told once', () => {
    const board = listener()
    hub.subscribe(board, '1')
    hub.start()
    sink.take(piece(1, 4))
    sink.take(piece(2, 6))
    expect(board.seen).toEqual(['2', '3', '4', '5', '6'])
  })

  test('news that do not continue what was taken are refused, so that the piece between is asked for', () => {
    const board = listener()
    hub.subscribe(board, '1')
    hub.start()
    expect(sink.take(piece(1, 2))).toBe(true)
    expect(sink.take(piece(4, 5))).toBe(false)
    expect(sink.take(piece(2, 5))).toBe(true)
    expect(board.seen).toEqual(['2', '3', '4', '5'])
  })

  test('when nobody can say what was missed, all read again, and go on from there', () => {
    const board = listener()
    hub.subscribe(board, '900')
    hub.start()
    sink.take(piece(900, 901))
    sink.take({ after: null, upTo: 7, events: [] })
    sink.take(piece(7, 8))
    expect(board.seen).toEqual(['901', 'resync', '8'])
  })

  test('an end of the listening ends it', () => {
    const gone = listener()
    const end = hub.subscribe(gone, '1')
    hub.start()
    end()
    sink.take(piece(1, 2))
    expect(gone.seen).toEqual([])
  })

  test('a stopped hub knows nothing of before when it starts again', () => {
    hub.subscribe(listener(), '1')
    hub.start()
    sink.take(piece(1, 2))
    hub.stop()
    expect([states.at(-1), hub.position()]).toEqual(['off', null])
    hub.start()
    expect(sink.last()).toBeNull()
  })
})
