import type { SessionId } from '@helix/contract/ids'
import type { HostUp } from '@helix/contract/link'
import type { JournalEntry } from '@helix/contract/sessions'
import { beforeEach, describe, expect, test } from 'vitest'
import { fit, JournalForwarder } from './journal-forwarder.ts'

const at = '2026-01-01T00:00:00.000Z'
const entry = (sequence: number, text = 'x'): JournalEntry => ({ sequence, at, payload: { kind: 'notice', text } })
const entries = (first: number, last: number, text?: string): JournalEntry[] =>
  Array.from({ length: last - first + 1 }, (_, index) => entry(first + index, text))

let up = true
let sent: Extract<HostUp, { type: 'journal' }>[] = []
let acknowledged: number[] = []
let restarts = 0
let forwarder: JournalForwarder

beforeEach(() => {
  up = true
  sent = []
  acknowledged = []
  restarts = 0
  const send = (frame: HostUp): boolean => {
    if (up && frame.type === 'journal') sent.push(frame)
    return up
  }
  forwarder = new JournalForwarder({ sessionId: 'ses_1' as SessionId, epoch: 3 }, send, {
    acknowledge: (upTo) => acknowledged.push(upTo),
    restart: () => restarts++,
  })
})
const sequences = (): number[] => sent.flatMap((frame) => frame.entries.map(({ sequence }) => sequence))

describe('the journal on its way up', () => {
  test('goes in batches of at most 200, with its session and epoch', () => {
    forwarder.accept(entries(1, 450))
    expect(sent.map((frame) => frame.entries.length)).toEqual([200, 200, 50])
    expect(sent[0]).toMatchObject({ sessionId: 'ses_1', epoch: 3 })
  })

  test('is kept until it is acknowledged, and what was acknowledged is told to the supervisor', () => {
    forwarder.accept(entries(1, 3))
    expect(forwarder.drained).toBe(false)
    forwarder.acknowledged(2)
    forwarder.acknowledged(1)
    forwarder.resend()
    expect(sequences()).toEqual([1, 2, 3, 3])
    forwarder.acknowledged(3)
    expect(acknowledged).toEqual([2, 3])
    expect(forwarder.drained).toBe(true)
  })

  test('waits while there is no link and is sent once there is', () => {
    up = false
    forwarder.accept(entries(1, 2))
    up = true
    forwarder.resend()
    expect(sequences()).toEqual([1, 2])
  })

  test('that the supervisor sends again is taken once', () => {
    forwarder.accept(entries(1, 3))
    forwarder.accept(entries(1, 4))
    expect(sequences()).toEqual([1, 2, 3, 4])
  })

  test('takes bounded memory: the rest is asked for again when there is room', () => {
    const text = 'y'.repeat(100_000)
    forwarder.accept(entries(1, 30, text))
    const upTo = sequences().at(-1) ?? 0
    expect(upTo).toBeLessThan(12)
    forwarder.acknowledged(upTo)
    expect(restarts).toBe(1)
    forwarder.accept(entries(1, 30, text))
    expect(sequences()[upTo]).toBe(upTo + 1)
  })

  test('each frame is below the limit of the other side', () => {
    forwarder.accept(entries(1, 9, 'é'.repeat(100_000)))
    for (const frame of sent) expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThan(1024 * 1024)
  })

  test('an entry larger than a frame loses the end of its longest texts and nothing else', () => {
    const large: JournalEntry = {
      sequence: 1,
      at,
      payload: { kind: 'prompt', promptId: 'prm_1', origin: 'person', author: 'Ada', text: '\u0001'.repeat(200_000) },
    }
    const { entry: fitting, bytes } = fit(large)
    expect(bytes).toBeLessThan(512 * 1024)
    expect(fitting.payload).toMatchObject({ promptId: 'prm_1', author: 'Ada' })
    expect(fit(entry(1)).entry).toEqual(entry(1))
  })
})
