import type { JournalEntry, JournalPayload } from '@helix/contract/sessions'
import { describe, expect, test } from 'vitest'
import { Folder } from './fold.ts'

function journal(...payloads: JournalPayload[]): JournalEntry[] {
  return payloads.map((payload, index) => ({ sequence: index + 1, at: new Date(1_700_000_000_000 + index * 1000).toISOString(), payload }))
}

function fold(...pieces: JournalEntry[][]): Folder {
  const folder = new Folder()
  for (const entries of pieces) folder.take(entries)
  return folder
}

const prompt = (promptId: string): JournalPayload => ({ kind: 'prompt', promptId, origin: 'workflow', author: null, text: 'Do it' })
const chunk = (messageId: string, text: string, role: 'agent' | 'thought' = 'agent'): JournalPayload => ({
  kind: 'chunk',
  messageId,
  role,
  text,
})

describe('folding a journal', () => {
  test('chunks of one message become one item, also when something came between', () => {
    const { items } = fold(journal(chunk('m1', 'Hel'), { kind: 'notice', text: 'resumed' }, chunk('m1', 'lo')))
    expect(items.map((item) => ('text' in item ? item.text : ''))).toEqual(['Hello', 'resumed'])
  })

  test('a thought and a message with the same id stay apart', () => {
    const { items } = fold(journal(chunk('m1', 'hm', 'thought'), chunk('m1', 'yes')))
    expect(items.map(({ kind }) => kind)).toEqual(['thought', 'agent'])
  })

  test('a call that used the desktop keeps what it did, whatever comes later of it', () => {
    const desktop = { action: 'click', x: 3, y: 4, sequence: 9, atUs: 1 }
    const { items } = fold(
      journal(
        { kind: 'tool', toolCallId: 't', title: 'mcp__desktop__click', status: 'pending' },
        { kind: 'tool', toolCallId: 't', desktop },
        { kind: 'tool', toolCallId: 't', status: 'completed' },
      ),
    )
    expect(items).toMatchObject([{ title: 'mcp__desktop__click', status: 'completed', desktop }])
  })

  test('a tool call keeps the fields that an update does not carry', () => {
    const { items } = fold(
      journal(
        { kind: 'tool', toolCallId: 't', title: 'shell: ls', toolKind: 'execute', status: 'in_progress' },
        { kind: 'tool', toolCallId: 't', status: 'completed', content: [{ kind: 'text', text: 'a' }] },
      ),
    )
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ title: 'shell: ls', toolKind: 'execute', status: 'completed', content: [{ text: 'a' }] })
  })

  test('a plan that is sent again replaces the one of the same turn only', () => {
    const plan = (content: string): JournalPayload => ({ kind: 'plan', entries: [{ content, status: 'pending' }] })
    const { items } = fold(journal(prompt('p1'), plan('a'), plan('b'), prompt('p2'), plan('c')))
    expect(items.filter(({ kind }) => kind === 'plan')).toMatchObject([{ entries: [{ content: 'b' }] }, { entries: [{ content: 'c' }] }])
  })

  test('a turn is under way from its prompt to its end, and says how long it took', () => {
    const entries = journal(prompt('p1'), chunk('m', 'x'), { kind: 'turn_end', promptId: 'p1', outcome: 'end_turn', message: null })
    expect(fold(entries.slice(0, 2)).turn?.promptId).toBe('p1')
    const done = fold(entries)
    expect(done.turn).toBeNull()
    expect(done.items.at(-1)).toMatchObject({ kind: 'turn_end', durationMs: 2000 })
  })

  test('folding in pieces, and the same piece twice, gives what folding at once gives', () => {
    const entries = journal(prompt('p1'), chunk('m', 'a'), chunk('m', 'b'), {
      kind: 'turn_end',
      promptId: 'p1',
      outcome: 'cancelled',
      message: null,
    })
    expect(fold(entries.slice(0, 3), entries.slice(1)).items).toEqual(fold(entries).items)
    expect(fold(entries).take(entries)).toEqual(new Set())
  })

  test('a chunk touches its own message and nothing else, however long the journal is', () => {
    const before = journal(...Array.from({ length: 10_000 }, (_, index) => chunk(`m${index}`, 'x')))
    const folder = fold(before)
    const first = folder.items[0]
    const touched = folder.take([{ sequence: 10_001, at: new Date().toISOString(), payload: chunk('m9999', 'y') }])
    expect(touched).toEqual(new Set([9999]))
    expect(folder.items[9999]).toMatchObject({ text: 'xy' })
    expect(folder.items[0]).toBe(first)
  })

  test('a request for permission waits until it has an end, and says whose answer it was', () => {
    const options = [{ id: 'y', name: 'Allow', kind: 'allow_once' as const }]
    const asked: JournalPayload = { kind: 'permission', requestId: 'r', promptId: null, title: 'rm', tool: 'execute', options }
    const end: JournalPayload = { kind: 'permission_end', requestId: 'r', outcome: 'selected', optionId: 'y', answeredBy: 'Ada' }
    expect(fold(journal(asked)).items).toMatchObject([{ kind: 'permission', state: 'pending' }])
    expect(fold(journal(asked, end)).items).toMatchObject([{ state: 'selected', optionId: 'y', answeredBy: 'Ada' }])
    expect(fold(journal(end)).items).toEqual([])
  })
})
