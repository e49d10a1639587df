import { pino } from 'pino'
import { expect, test } from 'vitest'
import { EngineError, type Volume } from '../engine/engine.ts'
import { catalogue } from '../packs/catalogue.ts'
import { OldPacks, olderThan } from './packs.ts'

const day = 86_400_000

test('versions are compared by their numbers', () => {
  expect(['1.9.0', '1.49.9', '0.200.0'].map((one) => olderThan(one, '1.50.0'))).toEqual([true, true, true])
  expect(['1.50.0', '1.50.1', '2.0.0', 'next', ''].map((one) => olderThan(one, '1.50.0'))).toEqual([false, false, false, false, false])
})

test('packs of older versions go after a while, those in use, newer ones and other volumes stay', async () => {
  const now = Date.now()
  const current = `p-goose_code-${catalogue.goose_code.version}`
  const names = [
    'p-goose_code-0.1.0',
    'p-goose_code-0.2.0',
    'p-claude_code-0.0.1',
    'p-goose_code-999.0.0',
    current,
    'other-goose_code-0.1.0',
  ]
  const volumes = names.map(
    (name): Volume => ({
      name,
      folder: '/nowhere',
      labels: {},
      createdAt: now - (name.includes('claude') ? day : 9 * day),
    }),
  )
  const removed: string[] = []
  const engine = {
    listVolumes: async () => volumes.filter(({ name }) => !removed.includes(name)),
    removeVolume: async (name: string) => {
      if (name === 'p-goose_code-0.2.0') throw new EngineError('conflict', 'volume is in use')
      removed.push(name)
    },
  }
  const packs = new OldPacks(engine, 'p', pino({ level: 'silent' }))
  expect(await packs.collect(now)).toBe(1)
  expect(removed).toEqual(['p-goose_code-0.1.0'])
  expect(await packs.evict('memory')).toBe(0)
  expect(await packs.evict('disk')).toBe(1)
  expect(removed).toEqual(['p-goose_code-0.1.0', 'p-claude_code-0.0.1'])
})
