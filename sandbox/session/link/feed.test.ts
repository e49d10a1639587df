import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SupervisorUp } from '@helix/contract/link'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Journal } from '../journal/journal.ts'
import { Feed } from './feed.ts'
import type { Connection } from './server.ts'

let folder: string
let journal: Journal
let feed: Feed
let acknowledged: number
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'helix-feed-'))
  journal = await Journal.open(join(folder, 'journal.jsonl'))
  acknowledged = 0
  feed = new Feed({ journal, sessionId: 's', epoch: 1, acknowledged: () => acknowledged })
})
afterEach(() => rmSync(folder, { recursive: true }))

class FakeConnection implements Connection {
  open = true
  readonly frames: SupervisorUp[] = []

  async send(frame: SupervisorUp): Promise<boolean> {
    if (this.open) this.frames.push(frame)
    return this.open
  }

  get kinds(): string[] {
    return this.frames.map((frame) => (frame.type === 'entries' ? frame.entries.map(({ sequence }) => sequence).join(',') : frame.type))
  }
}

const result = { promptId: 'p', outcome: 'end_turn', message: null, retryable: false } as const

test('a connection gets hello, then everything above the last acknowledgement, then what is new', async () => {
  for (const text of ['a', 'b', 'c']) journal.notice(text)
  acknowledged = 1
  const connection = new FakeConnection()
  feed.attach(connection)
  await expect.poll(() => connection.kinds).toEqual(['hello', '2,3'])
  journal.notice('d')
  await expect.poll(() => connection.kinds).toEqual(['hello', '2,3', '4'])
})

test('a result follows the entries that led to it, and a new connection gets it again', async () => {
  journal.notice('a')
  journal.endTurn(result)
  if (journal.latestEnd !== null) feed.sendResult(journal.latestEnd)
  const first = new FakeConnection()
  feed.attach(first)
  await expect.poll(() => first.kinds).toEqual(['hello', '1,2', 'turn'])
  first.open = false
  const second = new FakeConnection()
  feed.attach(second)
  await expect.poll(() => second.kinds).toEqual(['hello', '1,2', 'turn'])
})

test('what was sent into a dead connection is sent again', async () => {
  const dead = new FakeConnection()
  feed.attach(dead)
  await expect.poll(() => dead.kinds).toEqual(['hello'])
  dead.open = false
  journal.notice('a')
  journal.endTurn(result)
  if (journal.latestEnd !== null) feed.sendResult(journal.latestEnd)
  feed.heartbeat('p')
  const next = new FakeConnection()
  feed.attach(next)
  await expect.poll(() => next.kinds).toEqual(['hello', '1,2', 'turn'])
})

test('a long backlog goes in frames of at most 200 entries, and draining waits for all of it', async () => {
  for (let count = 0; count < 950; count++) journal.notice('x')
  const connection = new FakeConnection()
  feed.attach(connection)
  await feed.drain(5000)
  const sizes = connection.frames.map((frame) => (frame.type === 'entries' ? frame.entries.length : 0))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(200)
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(950)
})
