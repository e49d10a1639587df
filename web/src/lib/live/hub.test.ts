import type { HelixEvent } from '@helix/contract/events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LiveHub, type LiveState, type Source } from './hub.ts'

class FakeSource implements Source {
  readyState = 0
  closed = false
  readonly from: string | null
  private readonly listeners = new Map<string, (event: MessageEvent<string>) => void>()

  constructor(from: string | null) {
    this.from = from
  }
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(type, listener)
  }
  close(): void {
    this.closed = true
  }
  emit(type: string, data = '', lastEventId = ''): void {
    this.listeners.get(type)?.({ data, lastEventId } as MessageEvent<string>)
  }
  /** Event number `id`: a push of branch `id`. */
  push(id: number): void {
    const event = { type: 'repository.pushed', repositoryId: 'repo_01h00000000000000000000000', pushId: 'psh_01h00000000000000000000000' }
    this.emit('repository.pushed', JSON.stringify({ ...event, branch: String(id), commit: 'c' }), String(id))
  }
}

const sources: FakeSource[] = []
const states: LiveState[] = []
const newest = (): FakeSource => {
  const source = sources.at(-1)
  if (source === undefined) throw new Error('no source was opened')
  return source
}
function openHub(): LiveHub {
  return new LiveHub(
    (from) => {
      const source = new FakeSource(from)
      sources.push(source)
      return source
    },
    (state) => states.push(state),
  )
}
function listen() {
  const seen: string[] = []
  return {
    seen,
    onEvent: (event: HelixEvent) => seen.push(event.type === 'repository.pushed' ? event.branch : event.type),
    onResync: () => seen.push('resync'),
  }
}

beforeEach(() => {
  sources.length = 0
  states.length = 0
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('the event stream of a tab', () => {
  test('goes on from where the first page was read, and nobody has to read again', () => {
    const hub = openHub()
    const board = listen()
    hub.subscribe(board, '41')
    hub.start()
    newest().emit('open')
    newest().push(42)
    expect(newest().from).toBe('41')
    expect(board.seen).toEqual(['42'])
  })

  test('who does not know how current it is reads again when the stream opens', () => {
    const hub = openHub()
    const task = listen()
    hub.subscribe(task, null)
    hub.start()
    newest().emit('open')
    expect(task.seen).toEqual(['resync'])
  })

  test('events that came between the reading and the listening are replayed', () => {
    const hub = openHub()
    hub.subscribe(listen(), '10')
    hub.start()
    newest().emit('open')
    newest().push(11)
    const position = hub.position()
    newest().push(12)
    const late = listen()
    hub.subscribe(late, position)
    newest().push(13)
    expect(late.seen).toEqual(['12', '13'])
  })

  test('an end of the listening ends it', () => {
    const hub = openHub()
    const gone = listen()
    const end = hub.subscribe(gone, '1')
    hub.start()
    newest().emit('open')
    end()
    newest().push(2)
    expect(gone.seen).toEqual([])
  })

  test('when the browser gives up, it goes on from the last event, slower each time, with one stream at once', () => {
    const hub = openHub()
    hub.subscribe(listen(), '1')
    hub.start()
    newest().emit('open')
    newest().push(7)
    for (let failure = 1; failure <= 8; failure++) {
      newest().readyState = 2
      newest().emit('error')
      expect(states.at(-1)).toBe('reconnecting')
      vi.advanceTimersByTime(20_000)
      expect(sources).toHaveLength(1 + failure)
      expect(newest().from).toBe('7')
    }
    newest().emit('open')
    expect(states.at(-1)).toBe('live')
  })

  test('a cut that the browser heals by itself opens no second stream', () => {
    const hub = openHub()
    hub.subscribe(listen(), '1')
    hub.start()
    newest().emit('open')
    newest().emit('error')
    vi.advanceTimersByTime(60_000)
    expect(sources).toHaveLength(1)
  })

  test('an event of a newer server that is not known here is passed over', () => {
    const hub = openHub()
    const board = listen()
    hub.subscribe(board, '1')
    hub.start()
    newest().emit('repository.pushed', '{"type":"repository.pushed"}', '2')
    newest().push(3)
    expect(board.seen).toEqual(['3'])
  })
})
