import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LiveHub } from './hub.ts'
import type { LiveState } from './news.ts'
import { type ChannelPort, SharedFeed } from './shared.ts'
import { FakeAir, FakeLock, FakeSource, listener } from './testing.ts'
import { Wire } from './wire.ts'

interface Tab {
  hub: LiveHub
  shared: SharedFeed
  seen: string[]
  sources: FakeSource[]
  state: LiveState
  visible: boolean
  channel: (ChannelPort & { silent: boolean }) | null
}

let air: FakeAir
let lock: FakeLock
let tabs: Tab[]
const settle = () => vi.advanceTimersByTimeAsync(0)

/** A tab whose page was read at this number. */
function openTab(since: string | null): Tab {
  const told = listener()
  const tab = { seen: told.seen, sources: [], state: 'off', visible: false, channel: null } as unknown as Tab
  const wire = new Wire({
    open: (from) => {
      const source = new FakeSource(from)
      tab.sources.push(source)
      return source
    },
    page: () => Promise.reject(new Error('no answer')),
  })
  const channel = (): ChannelPort => {
    tab.channel = air.open()
    return tab.channel
  }
  tab.shared = new SharedFeed({ tab: `tab ${tabs.length}`, lock, channel, visible: () => tab.visible }, wire)
  tab.hub = new LiveHub(tab.shared, (state) => {
    tab.state = state
  })
  tab.hub.subscribe(told, since)
  tab.hub.start()
  tabs.push(tab)
  return tab
}

const streamOf = (tab: Tab): FakeSource => {
  const source = tab.sources.findLast(({ closed }) => !closed)
  if (source === undefined) throw new Error('this tab has no stream')
  return source
}
const streams = (): number => tabs.flatMap(({ sources }) => sources.filter(({ closed }) => !closed)).length

/** The tab is closed by the browser: none of its code runs, and its lock passes on. */
async function kill(tab: Tab): Promise<void> {
  if (tab.channel !== null) tab.channel.silent = true
  for (const source of tab.sources) source.close()
  lock.pass()
  await settle()
}

beforeEach(() => {
  vi.useFakeTimers()
  air = new FakeAir()
  lock = new FakeLock()
  tabs = []
})
afterEach(() => {
  for (const { hub } of tabs) hub.stop()
  vi.useRealTimers()
})

describe('the tabs of one person', () => {
  test('seven share one connection, and each hears everything once', async () => {
    for (let count = 0; count < 7; count++) openTab('1')
    const [leader] = tabs
    if (leader === undefined) throw new Error('no tab')
    streamOf(leader).alive(1)
    for (const id of [2, 3]) streamOf(leader).push(id)
    await settle()
    expect(streams()).toBe(1)
    for (const { seen, state } of tabs) expect([seen, state]).toEqual([['2', '3'], 'live'])
  })

  test('a tab that comes later gets what came since its page was read', async () => {
    const leader = openTab('1')
    streamOf(leader).alive(1)
    for (const id of [2, 3, 4]) streamOf(leader).push(id)
    const late = openTab('2')
    streamOf(leader).push(5)
    await settle()
    expect(late.seen).toEqual(['3', '4', '5'])
  })

  test('a tab that does not know how current it is reads again, the others do not', async () => {
    const leader = openTab('1')
    streamOf(leader).alive(1)
    const late = openTab(null)
    await settle()
    expect([leader.seen, late.seen, late.hub.position()]).toEqual([[], ['resync'], '1'])
  })

  test('when the leader is closed, another goes on from what it has, and nobody misses or doubles anything', async () => {
    const [first, second, third] = [openTab('1'), openTab('1'), openTab('1')]
    streamOf(first).alive(1)
    streamOf(first).push(2)
    // The second one lost the last message of the first: it is behind the third.
    if (second.channel !== null) second.channel.silent = true
    streamOf(first).push(3)
    if (second.channel !== null) second.channel.silent = false
    await kill(first)
    expect(streamOf(second).from).toBe(2)
    streamOf(second).alive(2)
    for (const id of [3, 4]) streamOf(second).push(id)
    await settle()
    expect([second.seen, third.seen]).toEqual([
      ['2', '3', '4'],
      ['2', '3', '4'],
    ])
  })

  test('a tab that is behind its new leader gets the rest from it', async () => {
    const [first, second, third] = [openTab('1'), openTab('1'), openTab('1')]
    streamOf(first).alive(1)
    if (third.channel !== null) third.channel.silent = true
    for (const id of [2, 3]) streamOf(first).push(id)
    if (third.channel !== null) third.channel.silent = false
    await kill(first)
    expect(streamOf(second).from).toBe(3)
    streamOf(second).alive(3)
    await settle()
    expect(third.seen).toEqual(['2', '3'])
  })

  test('a tab that is left gives the lead back', async () => {
    const [first, second] = [openTab('1'), openTab('1')]
    streamOf(first).alive(1)
    first.hub.stop()
    await settle()
    streamOf(second).alive(1)
    streamOf(second).push(2)
    expect([streams(), second.seen]).toEqual([1, ['2']])
  })

  test('a leader that says nothing loses the lead to a tab that somebody looks at', async () => {
    const [frozen, hidden, seen] = [openTab('1'), openTab('1'), openTab('1')]
    streamOf(frozen).alive(1)
    if (frozen.channel !== null) frozen.channel.silent = true
    seen.visible = true
    await vi.advanceTimersByTimeAsync(41_000)
    streamOf(seen).alive(1)
    streamOf(seen).push(2)
    await settle()
    expect([frozen.shared.leads, hidden.shared.leads, seen.shared.leads]).toEqual([false, false, true])
    expect([streams(), hidden.seen, seen.seen]).toEqual([1, ['2'], ['2']])
    // It wakes up and follows.
    if (frozen.channel !== null) frozen.channel.silent = false
    streamOf(seen).push(3)
    await settle()
    expect(frozen.seen).toEqual(['2', '3'])
  })

  test('a leader that lives keeps the lead, also while nothing happens', async () => {
    const [leader, other] = [openTab('1'), openTab('1')]
    other.visible = true
    for (let minute = 0; minute < 8; minute++) {
      streamOf(leader).alive(1)
      await vi.advanceTimersByTimeAsync(15_000)
    }
    expect([leader.shared.leads, other.shared.leads]).toEqual([true, false])
  })

  test('all tabs are told that the connection is lost', async () => {
    const [leader, other] = [openTab('1'), openTab('1')]
    streamOf(leader).alive(1)
    streamOf(leader).fail(false)
    await settle()
    expect([leader.state, other.state]).toEqual(['reconnecting', 'reconnecting'])
  })
})
