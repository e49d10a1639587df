import { expect, test } from 'vitest'
import type { LocalSession } from './local-session.ts'
import { Preparations } from './preparations.ts'

/** A session as far as it prepares. */
function session(sessionId = 'ses_1') {
  const watchers = new Set<() => void>()
  const end = Promise.withResolvers<string>()
  const one = { told: 0, state: 'preparing' }
  const link = {
    prepare: () => void one.told++,
    get status() {
      return { state: one.state }
    },
    watch: (changed: () => void) => {
      watchers.add(changed)
      return () => watchers.delete(changed)
    },
  }
  const become = (state: string): void => {
    one.state = state
    for (const changed of watchers) changed()
  }
  return { one, become, lose: () => end.resolve('gone'), local: { sessionId, link, gone: end.promise } as unknown as LocalSession }
}

test('as many prepare at once as may, in the order in which they came; who is ready or lost makes room', async () => {
  const preparations = new Preparations(2)
  const all = [session(), session(), session(), session()]
  for (const { local } of all) preparations.admit(local)
  const told = () => all.map(({ one }) => one.told)
  expect(told()).toEqual([1, 1, 0, 0])
  all[1]?.become('ready')
  await expect.poll(told).toEqual([1, 1, 1, 0])
  all[0]?.lose()
  await expect.poll(told).toEqual([1, 1, 1, 1])
})

test('nobody prepares while others begin, and everybody once they have waited', async () => {
  const preparations = new Preparations(2)
  const begun = Promise.withResolvers<void>()
  const [first, second] = [session(), session()]
  const beginning = preparations.after(async () => {
    preparations.admit(first.local)
    await begun.promise
  })
  expect(first.one.told).toBe(0)
  begun.resolve()
  await beginning
  expect(first.one.told).toBe(1)
  void preparations.after(() => new Promise(() => undefined))
  preparations.admit(second.local)
  expect(second.one.told).toBe(0)
  await expect.poll(() => second.one.told, { timeout: 5000 }).toBe(1)
})

test('a start that fails holds nobody up', async () => {
  const preparations = new Preparations(1)
  await expect(preparations.after(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  const { one, local } = session()
  preparations.admit(local)
  expect(one.told).toBe(1)
})

test('of many that begin at once nobody prepares while people open them', async () => {
  const preparations = new Preparations(1)
  const all = [session('ses_1'), session('ses_2'), session('ses_3')]
  await preparations.after(async () => {
    for (const { local } of all) preparations.admit(local)
    preparations.stir('ses_2' as never)
  })
  const told = () => all.map(({ one }) => one.told)
  expect(told()).toEqual([0, 0, 0])
  expect(preparations.rush).toBe(true)
  await expect.poll(told).toEqual([1, 0, 0])
  // Sessions that prepare already are nobody's hindrance.
  preparations.stir('ses_1' as never)
  all[0]?.become('ready')
  await expect.poll(told).toEqual([1, 1, 0])
  expect(preparations.rush).toBe(false)
})
