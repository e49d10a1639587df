import type { HostId, OrgId, SessionId } from '@helix/contract/ids'
import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import { type HostState, memoryOn, type Needs, obstacleOf, type Share, type Waiting } from './model.ts'

const host = (name: string, set: Partial<HostState> = {}): HostState => ({
  id: `hst_${name}` as HostId,
  name,
  places: 10,
  taken: 0,
  roomMb: null,
  largestMb: null,
  takenMb: 0,
  idle: 0,
  weight: 1,
  labels: {},
  group: null,
  rung: 'userns',
  filtered: true,
  images: new Set(),
  packs: new Set(['goose']),
  load: 0,
  silent: false,
  problem: null,
  admission: 'open',
  ...set,
})
const medium: Needs = { memoryMb: 4096, labels: {}, minimumRung: null, filtered: false, image: null, runtime: 'goose', home: null }
const org = (name: string): OrgId => `org_${name}` as OrgId
let count = 0
const session = (set: Partial<Needs> = {}, { orgId = org('a'), askedAt = ++count } = {}): Waiting => ({
  id: `ses_${String(++count).padStart(6, '0')}` as SessionId,
  orgId,
  askedAt,
  needs: { ...medium, ...set },
})
const shares = (held: Record<string, Partial<Share>> = {}) =>
  new Map(Object.entries(held).map(([name, share]) => [org(name), { held: 0, weight: 1, ...share }]))
const run = (hosts: HostState[], waiting: Waiting[], held = shares(), now = 0) => decide({ hosts, waiting, shares: held, now })
const reasonOf = (hosts: HostState[], waiting: Waiting = session()): string => run(hosts, [waiting]).left[0]?.reason ?? 'placed'

describe('who comes first', () => {
  test('the organisation that has least for its weight, and in it who waited longest', () => {
    const [first, second, other] = [session(), session(), session({}, { orgId: org('b') })]
    const { placed } = run([host('one', { places: 2 })], [second, first, other], shares({ a: { held: 3 }, b: { held: 1 } }))
    expect(placed.map(({ id }) => id)).toEqual([other.id, first.id])
    const heavy = run([host('one', { places: 1 })], [first, other], shares({ a: { held: 3, weight: 4 }, b: { held: 1 } }))
    expect(heavy.placed.map(({ id }) => id)).toEqual([first.id])
  })

  test('over time two organisations that ask for all get what their weights say, and a third with little is never kept waiting', () => {
    const weights: Record<string, number> = { a: 1, b: 3, c: 1 }
    const running: { orgId: OrgId; ends: number }[] = []
    const had = new Map<string, number>()
    let waiting: Waiting[] = []
    for (let now = 0; now < 600; now++) {
      for (const name of ['a', 'a', 'b', 'b'])
        if (waiting.filter(({ orgId }) => orgId === org(name)).length < 50) waiting.push(session({}, { orgId: org(name), askedAt: now }))
      const small = now % 50 === 0 ? session({}, { orgId: org('c'), askedAt: now }) : null
      if (small !== null) waiting.push(small)
      for (let index = running.length - 1; index >= 0; index--) if ((running[index]?.ends ?? 0) <= now) running.splice(index, 1)
      const held = (name: string): number => running.filter(({ orgId }) => orgId === org(name)).length
      const all = shares(Object.fromEntries(Object.keys(weights).map((name) => [name, { held: held(name), weight: weights[name] ?? 1 }])))
      const { placed } = decide({ hosts: [host('one', { places: 40, taken: running.length })], waiting, shares: all, now })
      for (const { id } of placed) {
        const { orgId } = waiting.find((one) => one.id === id) as Waiting
        running.push({ orgId, ends: now + 20 })
        if (now > 100) had.set(orgId, (had.get(orgId) ?? 0) + 1)
      }
      const given = new Set(placed.map(({ id }) => id))
      waiting = waiting.filter(({ id }) => !given.has(id))
      expect(waiting.filter((one) => one.orgId === org('c') && now - one.askedAt > 20)).toEqual([])
    }
    const ratio = (had.get(org('b')) ?? 0) / (had.get(org('a')) ?? 1)
    expect(ratio).toBeGreaterThan(2.5)
    expect(ratio).toBeLessThan(3.5)
  })

  test('what no host can take stands in nobody’s way', () => {
    const [gpu, plain] = [session({ labels: { gpu: 'a100' } }), session()]
    const { placed, left } = run([host('one', { places: 1 })], [gpu, plain])
    expect(placed.map(({ id }) => id)).toEqual([plain.id])
    expect(left).toEqual([{ id: gpu.id, position: null, reason: 'No host has label gpu=a100' }])
  })

  test('a large session that waited long gets a host to itself in the end, though small ones come all the time', () => {
    const large = session({ memoryMb: 8192 }, { askedAt: 0 })
    const hosts = [host('one', { roomMb: 8192, takenMb: 6144, taken: 3 }), host('two', { roomMb: 8192, takenMb: 8192, taken: 4 })]
    const small = () => session({ memoryMb: 2048 })
    expect(run(hosts, [large, small()], shares(), 30_000).placed).toHaveLength(1)
    const late = run(hosts, [large, small()], shares(), 90_000)
    expect(late.placed).toEqual([])
    expect(late.left.map(({ reason }) => reason)).toEqual([
      expect.stringContaining('Position 1 of 2: no host has 8 GB of memory left (14 of 16 GB are given away'),
      expect.stringContaining('Position 2 of 2'),
    ])
    const freed = [host('one', { roomMb: 8192 }), host('two', { roomMb: 8192, takenMb: 8192, taken: 4 })]
    expect(run(freed, [large, small()], shares(), 120_000).placed.map(({ id }) => id)).toEqual([large.id])
  })
})

describe('where it goes', () => {
  const where = (hosts: HostState[], set: Partial<Needs> = {}): string | undefined =>
    run(hosts, [session(set)]).placed[0]?.hostId.replace('hst_', '')

  test('to its organisation’s own host, else to one that has image and agent in store, else to the least loaded', () => {
    expect(where([host('common'), host('own', { group: org('a'), taken: 9 })])).toBe('own')
    expect(where([host('busy', { images: new Set(['node:24']), taken: 5 }), host('cold')], { image: 'node:24' })).toBe('busy')
    expect(where([host('fuller', { taken: 3 }), host('emptier', { taken: 2 })])).toBe('emptier')
    expect(where([host('strong', { taken: 3, weight: 2 }), host('weak', { taken: 2 })])).toBe('strong')
    expect(where([host('hot', { load: 3, taken: 2 }), host('cool', { packs: new Set(), taken: 1 })])).toBe('cool')
    expect(where([host('small', { largestMb: 2048 }), host('large', { taken: 5, largestMb: 65_536 })])).toBe('large')
  })

  test('a hundred sessions spread evenly', () => {
    const hosts = Array.from({ length: 10 }, (_, index) => host(`h${index}`, { places: 20 }))
    const { placed } = run(
      hosts,
      Array.from({ length: 100 }, () => session()),
    )
    const counts = hosts.map(({ id }) => placed.filter(({ hostId }) => hostId === id).length)
    expect(counts).toEqual(Array(10).fill(10))
  })

  test('a suspended one to the host that keeps its machine and nowhere else, also while that is cordoned', () => {
    const hosts = [host('home', { taken: 9, admission: 'cordoned' }), host('free')]
    expect(where(hosts, { home: 'hst_home' as HostId })).toBe('home')
    expect(reasonOf([host('home', { taken: 10, idle: 1 }), host('free')], session({ home: 'hst_home' as HostId }))).toBe(
      'Position 1 of 1: its machine is on home, where 10 of 10 places are taken; 1 of them is idle and ends soon',
    )
  })
})

test('the reason names what is missing', () => {
  expect(reasonOf([])).toBe('No sandbox host is online: waiting for one')
  expect(reasonOf([host('one', { silent: true })])).toBe('No sandbox host is online: waiting for one')
  expect(reasonOf([host('one', { group: org('b') })])).toMatch(/^Every sandbox host belongs to another organisation/)
  expect(reasonOf([host('one', { taken: 10, idle: 2 })])).toBe(
    'Position 1 of 1: 10 of 10 places are taken; 2 of them are idle and end soon',
  )
  expect(reasonOf([host('one', { admission: 'draining' }), host('two', { admission: 'draining' })])).toBe(
    'Position 1 of 1: all hosts that could are being drained: one and two',
  )
  expect(reasonOf([host('one', { admission: 'cordoned' })])).toBe('Position 1 of 1: all hosts that could are cordoned: one')
  expect(reasonOf([host('one', { problem: 'The disk is full' })])).toBe('Sandbox host one cannot run sessions: The disk is full')
  expect(reasonOf([host('one')], session({ minimumRung: 'gvisor' }))).toBe(
    'The project asks for isolation "gvisor" or stronger; the hosts that could give "userns" at best',
  )
  expect(reasonOf([host('one', { filtered: false })], session({ filtered: true }))).toMatch(/^The project limits what sessions reach/)
  const split = [host('one', { labels: { gpu: 'a100' } }), host('two', { labels: { arch: 'arm64' } })]
  expect(reasonOf(split, session({ labels: { gpu: 'a100', arch: 'arm64' } }))).toBe('No host has all of the labels gpu=a100 and arch=arm64')
})

test('hosts of other organisations are named to nobody', () => {
  const theirs = host('secret-machine', { group: org('b'), admission: 'draining' })
  expect(reasonOf([theirs, host('one', { taken: 10 })])).not.toContain('secret')
  expect(reasonOf([theirs])).not.toContain('secret')
})

/** Deterministic, so that a failure can be looked at again. Source: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

test('in 500 random cases nobody is given what is not there, nobody is lost, and who is left could not have had a host that is free', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const pick = random(seed)
    const one = <T>(...values: T[]): T => values[pick(values.length)] as T
    const hosts = Array.from({ length: pick(8) }, (_, index) => {
      const roomMb = one(null, 8192, 16_384)
      return host(`h${index}`, {
        places: pick(6),
        taken: pick(4),
        roomMb,
        takenMb: roomMb === null ? 0 : pick(5) * 2048,
        largestMb: one(null, 4096, 65_536),
        labels: one({}, { gpu: 'a100' }),
        group: one(null, null, org('a')),
        rung: one('userns', 'gvisor', 'unknown'),
        silent: pick(6) === 0,
        problem: one(null, null, null, 'broken'),
        admission: one('open', 'open', 'open', 'cordoned', 'draining'),
      })
    })
    const waiting = Array.from({ length: pick(30) }, () =>
      session(
        { memoryMb: one(2048, 4096, 8192), labels: one({}, {}, { gpu: 'a100' }), minimumRung: one(null, null, 'gvisor') },
        { orgId: org(one('a', 'b', 'c')), askedAt: 1_000_000 },
      ),
    )
    const { placed, left } = run(hosts, waiting, shares(), 1_000_000)
    expect(new Set([...placed, ...left].map(({ id }) => id)).size).toBe(waiting.length)
    const after = hosts.map((before) => {
      const given = placed.filter(({ hostId }) => hostId === before.id)
      const now = {
        ...before,
        taken: before.taken + given.length,
        takenMb: given.reduce((sum, { memoryMb }) => sum + memoryMb, before.takenMb),
      }
      if (given.length > 0) {
        expect(now.taken).toBeLessThanOrEqual(before.places)
        if (before.roomMb !== null) expect(now.takenMb).toBeLessThanOrEqual(before.roomMb)
      }
      for (const { id, memoryMb } of given) {
        const { needs, orgId } = waiting.find((asker) => asker.id === id) as Waiting
        expect([obstacleOf(before, needs, orgId), memoryMb]).toEqual([null, memoryOn(before, needs)])
      }
      return now
    })
    for (const { id } of left) {
      const { needs, orgId } = waiting.find((asker) => asker.id === id) as Waiting
      expect(after.filter((free) => obstacleOf(free, needs, orgId) === null)).toEqual([])
    }
  }
})
