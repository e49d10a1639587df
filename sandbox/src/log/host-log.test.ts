import { keptLogLines } from '@helix/contract/host-logs'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { HostLog } from './host-log.ts'

const all = { level: 'debug', limit: 200 } as const
const open = () => {
  const kept = new HostLog()
  return { kept, log: pino({ level: 'debug', base: { room: 'sandbox' } }, kept) }
}

test('lines are kept as people read them, with what they name and why something failed', () => {
  const { kept, log } = open()
  log.info({ sessionId: 'ses_1' }, 'a session begins')
  log.warn({ err: new Error('no space left') }, 'a layer is not kept')
  const { lines, upTo, bootId } = kept.read('boot', all, [])
  expect(lines.map(({ n, level, text }) => [n, level, text])).toEqual([
    [1, 'info', 'a session begins {"sessionId":"ses_1"}'],
    [2, 'warn', 'a layer is not kept {"reason":"no space left"}'],
  ])
  expect([upTo, bootId]).toEqual([2, 'boot'])
})

test('who follows gets what came since, of the level they want, and never more than they ask for', () => {
  const { kept, log } = open()
  for (let i = 1; i <= 5; i++) log.info(`line ${i}`)
  log.error('broken')
  expect(kept.read('b', { ...all, limit: 2 }, []).lines.map(({ text }) => text)).toEqual(['line 5', 'broken'])
  const next = kept.read('b', { ...all, after: 0, limit: 2 }, [])
  expect([next.lines.map(({ text }) => text), next.upTo]).toEqual([['line 1', 'line 2'], 2])
  expect(kept.read('b', { ...all, after: 0, level: 'error' }, []).lines.map(({ text }) => text)).toEqual(['broken'])
  expect(kept.read('b', { ...all, after: 6 }, [])).toMatchObject({ lines: [], upTo: 6 })
  expect(kept.read('b', { ...all, after: 99 }, [])).toMatchObject({ lines: [], upTo: 6 })
})

test('a flood pushes out the oldest, and a line without end is cut', () => {
  const { kept, log } = open()
  for (let i = 0; i < keptLogLines + 10; i++) log.info(String(i))
  log.info('x'.repeat(100_000))
  const { lines } = kept.read('b', { ...all, after: 0 }, [])
  expect(lines[0]?.n).toBe(12)
  expect(kept.read('b', { ...all, limit: 1 }, []).lines[0]?.text).toHaveLength(2000)
})

test('what opens a door is blacked out, known or not', () => {
  const { kept, log } = open()
  const known = 'a-runner-token-of-forty-characters-at-least'
  const credential = `hxh_${'A'.repeat(43)}`
  log.info({ header: `Bearer ${known}`, of: credential }, `cloning https://helix:s3cret-of-git@example.com/a.git with ${known}`)
  const { text } = kept.read('b', all, [known]).lines[0] ?? { text: '' }
  for (const secret of [known, credential, 's3cret-of-git']) expect(text).not.toContain(secret)
  expect(text).toContain('cloning https://helix:…@example.com/a.git')
})
