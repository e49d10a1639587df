import { expect, test, vi } from 'vitest'
import { Stages } from './stages.ts'
import { StartTeller } from './start-teller.ts'

test('what a start is at is told when it changes, with what goes on inside, not in a rush, and no more at its end', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  try {
    const told: [string, unknown][] = []
    const preparations = { rush: true }
    const controlPlane = {
      reportProgress: async (_id: string, _epoch: number, text: string, { running }: { running: { name: string }[] }) => {
        told.push([text, running.map(({ name }) => name)])
      },
    }
    const stages = new Stages()
    const host = { controlPlane, preparations, log: { debug: () => undefined } }
    const teller = new StartTeller(host as never, { sessionId: 'ses_1' as never, epoch: 1, reason: 'first start' }, stages)
    const ended = Promise.withResolvers<void>()
    const pack = stages.time('agent pack', ended.promise)
    await vi.advanceTimersByTimeAsync(2000)
    expect(told).toEqual([])
    preparations.rush = false
    await vi.advanceTimersByTimeAsync(2000)
    expect(told).toEqual([['agent pack', ['agent pack']]])
    ended.resolve()
    await pack
    void stages.time('supervisor', new Promise<void>(() => undefined))
    teller.session = { link: { status: { stages: [], running: [{ name: 'clone sample', sinceMs: 5 }] } } } as never
    await vi.advanceTimersByTimeAsync(600)
    expect(told.at(-1)).toEqual(['clone sample', ['supervisor: clone sample']])
    stages.saying = 'Fetching the image x: 1 of 2 MB'
    await vi.advanceTimersByTimeAsync(600)
    expect(told.at(-1)?.[0]).toBe('Fetching the image x: 1 of 2 MB')
    teller[Symbol.dispose]()
    stages.saying = null
    await vi.advanceTimersByTimeAsync(2000)
    expect(told).toHaveLength(3)
  } finally {
    vi.useRealTimers()
  }
})
