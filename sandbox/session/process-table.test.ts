import { expect, test } from 'vitest'
import { familyOf, isSame, parseStat, readProcesses } from './process-table.ts'

const row = (pid: number, parent: number, session = 1) => ({ pid, parent, session, group: session, started: String(pid), name: 'x' })

test('a name with spaces and parentheses does not shift the fields', () => {
  const fields = ['S', '10', '20', '30', ...Array(15).fill('0'), '4242', 'rest']
  expect(parseStat(`7 (tmux: a) b (c) ${fields.join(' ')}`)).toEqual({
    pid: 7,
    name: 'tmux: a) b (c',
    parent: 10,
    group: 20,
    session: 30,
    started: '4242',
  })
  expect(parseStat(`7 (x) Z ${fields.slice(1).join(' ')}`)).toBeUndefined()
  expect(parseStat('')).toBeUndefined()
})

test('a family is children of children, and orphans that kept the session', () => {
  const rows = [row(5, 1, 5), row(6, 5, 5), row(7, 6, 7), row(8, 1, 5), row(9, 1, 9)]
  expect(familyOf(5, rows).map(({ pid }) => pid)).toEqual([5, 6, 7, 8])
})

test('a process with a number used again is another one', async () => {
  const self = (await readProcesses()).find(({ pid }) => pid === process.pid)
  expect(self).toBeDefined()
  if (self === undefined) return
  expect(isSame(self, await readProcesses())).toBe(true)
  expect(isSame({ ...self, started: '1' }, await readProcesses())).toBe(false)
})
