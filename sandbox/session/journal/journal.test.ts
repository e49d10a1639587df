import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Journal } from './journal.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'helix-journal-'))
  path = join(folder, '.helix', 'journal.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true }))

const prompt = (promptId: string) => ({ kind: 'prompt', promptId, origin: 'workflow', author: null, text: `text of ${promptId}` }) as const
const chunk = (text: string) => ({ kind: 'chunk', messageId: 'm', role: 'agent', text }) as const
const ended = (promptId: string) => ({ promptId, outcome: 'error', message: 'no', retryable: true }) as const

async function sequences(journal: Journal, after: number): Promise<number[]> {
  const found: number[] = []
  for (let last = after; ; ) {
    const entries = await journal.readAfter(last, 200)
    if (entries.length === 0) return found
    found.push(...entries.map(({ sequence }) => sequence))
    last = entries.at(-1)?.sequence ?? last
  }
}

describe('the journal', () => {
  test('counts on after a restart without a gap', async () => {
    const first = await Journal.open(path)
    first.append(chunk('one'))
    first.append(chunk('two'))
    first.close()
    const second = await Journal.open(path)
    expect(second.last).toBe(2)
    expect(second.append(chunk('three')).sequence).toBe(3)
    expect(await sequences(second, 0)).toEqual([1, 2, 3])
  })

  test.for(['{"sequence":3,"at":"2026-', '{"sequence":3}\n', '\u0000\u0000\u0000', 'nonsense\n{"sequence":4}\n'])(
    'forgets what a dying process left behind its last whole line: %j',
    async (rest) => {
      const first = await Journal.open(path)
      first.append(chunk('one'))
      first.append(chunk('two'))
      first.close()
      const whole = readFileSync(path, 'utf8')
      appendFileSync(path, rest)
      const second = await Journal.open(path)
      expect(second.last).toBe(2)
      second.append(chunk('three'))
      second.close()
      expect(readFileSync(path, 'utf8').startsWith(whole)).toBe(true)
      expect((await Journal.open(path)).last).toBe(3)
    },
  )

  test('loses only the line that was cut, wherever it was cut', async () => {
    const first = await Journal.open(path)
    first.append(chunk('one'))
    first.append(chunk('zwei ü 😀'))
    first.close()
    const size = readFileSync(path).length
    const line = readFileSync(path, 'utf8').split('\n')[0]?.length ?? 0
    for (let cut = size - 1; cut > line; cut--) {
      truncateSync(path, cut)
      const again = await Journal.open(path)
      expect(again.last).toBe(1)
      again.close()
    }
  })

  test('knows the prompts it saw and how they ended, also after a restart', async () => {
    const first = await Journal.open(path)
    first.appendSynced(prompt('prm_1'))
    first.append(chunk('words'))
    first.endTurn(ended('prm_1'))
    first.appendSynced(prompt('prm_2'))
    for (const journal of [first, await Journal.open(path)]) {
      expect(journal.find('prm_1')).toMatchObject({ answered: true, end: { sequence: 3, result: ended('prm_1') } })
      expect(journal.find('prm_2')).toEqual({ prompt: { sequence: 4, text: 'text of prm_2' }, answered: false, end: null })
      expect(journal.find('prm_3')).toBeUndefined()
      expect(journal.latestEnd?.result.promptId).toBe('prm_1')
    }
  })

  test('reads a backlog of thousands from its file, from any number on', async () => {
    const journal = await Journal.open(path)
    for (let count = 0; count < 3000; count++) journal.append(chunk(`entry ${count} ${'x'.repeat(200)}`))
    const again = await Journal.open(path)
    for (const reader of [journal, again]) {
      for (const after of [0, 1, 127, 128, 129, 1500, 2899, 2900, 2999, 3000]) {
        const found = await sequences(reader, after)
        expect(found.length).toBe(3000 - after)
        expect(found[0]).toBe(after < 3000 ? after + 1 : undefined)
      }
    }
    expect((await again.readAfter(0, 200)).length).toBeLessThanOrEqual(200)
  })

  test('keeps one answer of its backlog small when entries are large', async () => {
    const journal = await Journal.open(path)
    for (let count = 0; count < 20; count++) journal.append(chunk('x'.repeat(60_000)))
    expect((await journal.readAfter(0, 200)).length).toBeLessThan(8)
    expect(await sequences(journal, 0)).toHaveLength(20)
  })

  test('stores no NUL and no half of a surrogate pair', async () => {
    const journal = await Journal.open(path)
    expect(journal.append(chunk('a\u0000b\ud800c')).payload).toMatchObject({ text: 'ab\ufffdc' })
    expect((await (await Journal.open(path)).readAfter(0, 10))[0]?.payload).toMatchObject({ text: 'ab\ufffdc' })
  })

  test('goes on after the number the control plane has, and says again what went under taken numbers', async () => {
    const first = await Journal.open(path)
    first.append(chunk('one'))
    first.close()
    const second = await Journal.open(path)
    second.appendSynced(prompt('prm_1'))
    second.append(chunk('words'))
    second.endTurn(ended('prm_1'))
    second.skipTo(50)
    expect(second.last).toBe(53)
    expect(second.find('prm_1')?.end).toEqual({ sequence: 53, result: ended('prm_1') })
    second.skipTo(20)
    expect(second.append(chunk('more')).sequence).toBe(54)
    second.close()
    const third = await Journal.open(path)
    expect(await sequences(third, 50)).toEqual([51, 52, 53, 54])
    expect(third.find('prm_1')?.end?.result).toEqual(ended('prm_1'))
    third.skipTo(60)
    expect(third.last).toBe(60)
  })
})
