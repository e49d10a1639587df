import { open } from 'node:fs/promises'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { countDescriptors, DescriptorWatch } from './descriptors.ts'

test.runIf(process.platform === 'linux')('what is opened is counted, and what is closed is not', async () => {
  const before = await countDescriptors()
  const files = await Promise.all(Array.from({ length: 20 }, () => open(import.meta.filename)))
  const during = await countDescriptors()
  for (const file of files) await file.close()
  expect((during?.open ?? 0) - (before?.open ?? 0)).toBeGreaterThanOrEqual(20)
  expect(during?.most).toBeGreaterThan(100)
})

test('a process that comes near its limit says so once, and again after it was well', async () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  let now = { open: 80, sockets: 60, most: 100 as number | null }
  const watch = new DescriptorWatch(log, async () => now)
  await watch.look()
  await watch.look()
  expect(lines).toHaveLength(1)
  expect(watch.checks[0]).toMatchObject({ name: 'descriptors', state: 'warn', text: expect.stringContaining('80 descriptors') })
  now = { ...now, open: 10 }
  await watch.look()
  now = { ...now, open: 90 }
  await watch.look()
  expect(lines).toHaveLength(2)
  now = { ...now, most: null }
  await watch.look()
  expect(watch.checks[0]?.state).toBe('ok')
})
