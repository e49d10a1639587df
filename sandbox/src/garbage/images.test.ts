import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { EngineError, type ImageSummary } from '../engine/engine.ts'
import { FetchedImages, NamelessImages } from './images.ts'
import { ImageLedger } from './ledger.ts'

const day = 86_400_000
const gigabyte = 1024 ** 3
const now = Date.now()

/** An engine with images of one gigabyte each, those that containers use, and what this host fetched and when. */
async function world(fetched: Record<string, number>, { used = [] as string[], others = [] as string[] } = {}) {
  const stateDir = await mkdtemp(join(tmpdir(), 'helix-images-'))
  const ledger = new ImageLedger(stateDir)
  for (const [image, age] of Object.entries(fetched)) await ledger.fetched(image, now - age)
  const there = new Set([...Object.keys(fetched), ...others])
  const engine = {
    listImages: async (): Promise<ImageSummary[]> =>
      [...there].map((name) => ({ id: name, names: [name], bytes: gigabyte, createdAt: now - 100 * day })),
    removeImage: async (name: string) => void there.delete(name),
    listContainers: async () => used.map((image) => ({ id: image, name: image, image, labels: {}, running: true, createdAt: 0 })),
  }
  const input = { engine, ledger, own: 'helix-session:dev', keepMs: 14 * day, budgetBytes: 3 * gigabyte, log: pino({ level: 'silent' }) }
  return { images: new FetchedImages(input), there, ledger, stateDir, [Symbol.asyncDispose]: () => rm(stateDir, { recursive: true }) }
}

test('an image that nothing used for long goes, unless a project or a container names it', async () => {
  await using one = await world({ old: 20 * day, young: day, wanted: 20 * day, running: 20 * day }, { used: ['running'] })
  expect(await one.images.collect(['wanted'], now)).toBe(1)
  expect([...one.there].toSorted()).toEqual(['running', 'wanted', 'young'])
  expect(Object.keys(await one.ledger.entries()).toSorted()).toEqual(['running', 'wanted', 'young'])
})

test('what is more than the budget goes, the longest unused first', async () => {
  await using one = await world({ first: 5 * day, second: 4 * day, third: 3 * day, fourth: 2 * day, fifth: day })
  expect(await one.images.collect([], now)).toBe(2)
  expect([...one.there]).toEqual(['third', 'fourth', 'fifth'])
})

test('images that were there before, or that others brought, are never removed', async () => {
  await using one = await world({ mine: 20 * day }, { others: ['helix-session:dev', 'somebody/else:1'] })
  await one.ledger.fetched('helix-session:dev', now - 99 * day)
  await one.images.collect([], now)
  while ((await one.images.evict('disk')) > 0);
  expect([...one.there].toSorted()).toEqual(['helix-session:dev', 'somebody/else:1'])
})

test('when nobody says what projects want, nothing goes; for memory nothing goes either', async () => {
  await using one = await world({ old: 20 * day })
  expect([await one.images.collect(null, now), await one.images.evict('disk')]).toEqual([0, 0])
  await one.images.collect([], now - 10 * day)
  expect(await one.images.evict('memory')).toBe(0)
  expect(await one.images.evict('disk')).toBe(gigabyte)
})

test('a use is remembered by the next boot, and a ledger that was cut short owns nothing', async () => {
  await using one = await world({ old: 20 * day }, { used: ['old'] })
  await one.images.collect([], now)
  expect((await new ImageLedger(one.stateDir).entries()).old?.usedAt).toBe(now)
  await writeFile(join(one.stateDir, 'images.json'), '{"old":')
  expect(await new ImageLedger(one.stateDir).entries()).toEqual({})
})

test('session images that lost their name go, but for young ones and those that something needs', async () => {
  const removed: string[] = []
  const image = (id: string, names: string[], age: number): ImageSummary => ({ id, names, bytes: 1, createdAt: now - age })
  const engine = {
    listImages: async () => [
      image('named', ['helix-session:dev'], day),
      image('old', [], day),
      image('young', [], 1000),
      image('used', [], day),
    ],
    removeImage: async (id: string) => {
      if (id === 'used') throw new EngineError('conflict', 'in use')
      removed.push(id)
    },
  }
  expect(await new NamelessImages(engine).collect(now)).toEqual({ bytes: 1 })
  expect(removed).toEqual(['old'])
})
