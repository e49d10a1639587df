import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LiveHub } from './hub.ts'
import type { LiveState } from './news.ts'
import { FakeSource, listener, piece } from './testing.ts'
import { Wire } from './wire.ts'

const sources: FakeSource[] = []
const states: LiveState[] = []
/** The number of the log's newest event, for the pages that are asked. */
let log = 0
let pages = 0
let pageFails = false
const newest = (): FakeSource => {
  const source = sources.at(-1)
  if (source === undefined) throw new Error('no source was opened')
  return source
}
const open = (): FakeSource[] => sources.filter(({ closed }) => !closed)

let board: ReturnType<typeof listener>
let hub: LiveHub
let wire: Wire
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers()
  sources.length = 0
  states.length = 0
  ;[log, pages, pageFails] = [0, 0, false]
  wire = new Wire({
    open: (from) => {
      const source = new FakeSource(from)
      sources.push(source)
      return source
    },
    page: async (after) => {
      pages += 1
      if (pageFails) throw new Error('no answer')
      return { ...piece(after, log), more: false }
    },
  })
  hub = new LiveHub(wire, (state) => states.push(state))
  board = listener()
  hub.subscribe(board, '1')
  hub.start()
})
afterEach(() => {
  hub.stop()
  vi.useRealTimers()
})

describe('the way to the server', () => {
  test('is one event stream from the known number on', () => {
    expect(newest().from).toBe(1)
    newest().alive(1)
    newest().push(2)
    expect([board.seen, states.at(-1)]).toEqual([['2'], 'live'])
  })

  test('when the browser gives up, goes on from the last event, slower each time, with one stream at once', async () => {
    newest().alive(1)
    newest().push(7)
    pageFails = true
    for (let failure = 1; failure <= 8; failure++) {
      newest().fail(true)
      expect(states.at(-1)).toBe('reconnecting')
      const before = sources.length
      for (let waited = 0; waited < 15_000 && sources.length === before; waited += 100) await pass(100)
      expect([sources.length, open().length]).toEqual([before + 1, 1])
      expect(newest().from).toBe(7)
    }
    newest().alive(7)
    expect(states.at(-1)).toBe('live')
  })

  test('a cut that the browser heals by itself opens no second stream', async () => {
    newest().alive(1)
    newest().fail(false)
    await pass(1000)
    newest().alive(1)
    await pass(30_000)
    expect(sources).toHaveLength(1)
  })

  test('a stream that cannot be had is replaced by asking every two seconds', async () => {
    log = 3
    for (let failure = 0; failure < 3; failure++) newest().fail(false)
    await pass(0)
    expect([board.seen, states.at(-1), pages]).toEqual([['2', '3'], 'polling', 1])
    log = 5
    await pass(4000)
    expect([board.seen, pages]).toEqual([['2', '3', '4', '5'], 3])
  })

  test('a stream that opens and stays silent is replaced too, and tried again later', async () => {
    log = 2
    newest().emit('open')
    await pass(9000)
    expect([board.seen, states.at(-1), open()]).toEqual([['2'], 'polling', []])
    await pass(60_000)
    expect(open()).toHaveLength(1)
    expect(newest().from).toBe(2)
  })

  test('a stream that speaks again ends the asking, and nothing comes twice', async () => {
    for (let failure = 0; failure < 3; failure++) newest().fail(false)
    log = 4
    await pass(2000)
    newest().alive(1)
    for (const id of [2, 3, 4, 5]) newest().push(id)
    const asked = pages
    await pass(10_000)
    expect([board.seen, states.at(-1), pages]).toEqual([['2', '3', '4', '5'], 'live', asked])
  })

  test('a stream that falls silent after a while is given up', async () => {
    newest().alive(1)
    await pass(15_000)
    newest().alive(1)
    await pass(39_000)
    expect(open()).toHaveLength(1)
    await pass(2000)
    expect([open().length, states.at(-1)]).toEqual([0, 'polling'])
  })

  test('without any answer it asks less often', async () => {
    pageFails = true
    for (let failure = 0; failure < 3; failure++) newest().fail(false)
    await pass(60_000)
    expect(states.at(-1)).toBe('reconnecting')
    expect(pages).toBeLessThan(9)
  })

  test('a network that is back is used at once, and a stream that is well is left alone', async () => {
    newest().alive(1)
    wire.nudge()
    expect(sources).toHaveLength(1)
    for (let failure = 0; failure < 6; failure++) newest().fail(true)
    wire.nudge()
    expect([sources.length, open().length]).toEqual([2, 1])
  })

  test('a log that begins anew is read again', () => {
    newest().alive(1)
    newest().emit('missed', '{}', '0')
    newest().push(1)
    expect(board.seen).toEqual(['resync', '1'])
  })

  test('an event of a newer server that is not known here is passed over', () => {
    newest().alive(1)
    newest().emit('repository.pushed', '{"type":"repository.pushed"}', '2')
    newest().push(3)
    expect(board.seen).toEqual(['3'])
    expect(hub.position()).toBe('3')
  })

  test('a stopped wire holds nothing open', async () => {
    for (let failure = 0; failure < 3; failure++) newest().fail(true)
    hub.stop()
    const [before, asked] = [sources.length, pages]
    await pass(120_000)
    expect([open(), sources.length, pages]).toEqual([[], before, asked])
  })
})
