import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TurnResult } from '@helix/contract/link'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Journal } from '../journal/journal.ts'
import type { TurnRunner } from './runner.ts'
import { type Prompt, Turns } from './turns.ts'

let folder: string
let journal: Journal
let results: TurnResult[]
let refusals: TurnResult[]
let runs: { promptId: string; end: (result: Partial<TurnResult> | null | Error) => void }[]
let cancels: number
let turns: Turns

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helix-turns-'))
  journal = await Journal.open(join(folder, 'journal.jsonl'))
  results = []
  refusals = []
  runs = []
  cancels = 0
  const runner: Pick<TurnRunner, 'run' | 'cancel' | 'abandon'> = {
    run: (prompt) =>
      new Promise((resolve, reject) => {
        journal.append({ kind: 'prompt', ...prompt })
        const end = (told: Partial<TurnResult> | null | Error) => {
          if (told instanceof Error) reject(told)
          else resolve(told && { promptId: prompt.promptId, outcome: 'end_turn', message: null, retryable: false, ...told })
        }
        runs.push({ promptId: prompt.promptId, end })
      }),
    cancel: () => void cancels++,
    abandon: () => undefined,
  }
  const audience = {
    sendStatus: () => undefined,
    sendResult: ({ result }: { result: TurnResult }) => void results.push(result),
    sendTransient: (result: TurnResult) => void refusals.push(result),
  }
  const log = { info: () => undefined, warn: () => undefined }
  turns = new Turns({ journal, runner: runner as TurnRunner, audience, log, changed: () => undefined })
})
afterEach(() => rmSync(folder, { recursive: true }))

const prompt = (promptId: string): Prompt => ({ promptId, origin: 'workflow', author: null, text: 'x' })
const started = () => runs.map(({ promptId }) => promptId)

test('a prompt waits for the session, a second one for the first', async () => {
  turns.receive(prompt('a'))
  turns.receive(prompt('b'))
  expect(started()).toEqual([])
  turns.begin()
  expect(started()).toEqual(['a'])
  runs[0]?.end({})
  await expect.poll(started).toEqual(['a', 'b'])
  expect(results).toMatchObject([{ promptId: 'a', outcome: 'end_turn' }])
})

test('an id runs once, whether it waits, runs or has ended', async () => {
  turns.receive(prompt('a'))
  turns.receive(prompt('a'))
  turns.begin()
  turns.receive(prompt('a'))
  runs[0]?.end({})
  await expect.poll(() => results.length).toBe(1)
  turns.receive(prompt('a'))
  expect(results).toHaveLength(2)
  expect(started()).toEqual(['a'])
})

test('a cancelled prompt that waits never runs, the one that runs is asked to end', async () => {
  turns.begin()
  turns.receive(prompt('a'))
  turns.receive(prompt('b'))
  turns.cancel('b')
  turns.cancel('a')
  turns.cancel('nobody')
  expect(cancels).toBe(1)
  expect(results).toMatchObject([{ promptId: 'b', outcome: 'cancelled' }])
  runs[0]?.end({ outcome: 'cancelled' })
  await expect.poll(() => results.length).toBe(2)
  turns.receive(prompt('b'))
  expect(results).toHaveLength(3)
  expect(started()).toEqual(['a'])
})

test('a prompt that an earlier life left unfinished can be cancelled without running again', () => {
  journal.append({ kind: 'prompt', ...prompt('a') })
  turns.begin()
  turns.cancel('a')
  expect(results).toMatchObject([{ promptId: 'a', outcome: 'cancelled' }])
})

test('a session that cannot start refuses its prompts with the reason, and remembers none of it', () => {
  turns.receive(prompt('a'))
  turns.breakOff('no agent pack')
  turns.receive(prompt('b'))
  expect(refusals).toMatchObject([
    { promptId: 'a', outcome: 'error', message: 'no agent pack', retryable: true },
    { promptId: 'b', message: 'no agent pack' },
  ])
  expect(journal.last).toBe(0)
})

test('an abandoned turn has no end, and nothing runs after it', async () => {
  turns.begin()
  turns.receive(prompt('a'))
  turns.receive(prompt('b'))
  turns.end()
  runs[0]?.end(null)
  await expect.poll(() => turns.running).toBeNull()
  expect(started()).toEqual(['a'])
  expect(results).toEqual([])
  expect(journal.find('a')?.end).toBeNull()
})

test('a journal that cannot be written ends the session’s work with a reason', async () => {
  turns.begin()
  turns.receive(prompt('a'))
  runs[0]?.end(new Error('ENOSPC: no space left on device'))
  await expect.poll(() => refusals).toMatchObject([{ promptId: 'a', outcome: 'error' }])
  turns.receive(prompt('b'))
  expect(refusals.at(-1)?.message).toMatch(/no space left/)
})
