import type { JournalEntry, JournalPayload } from '@helix/contract/sessions'
import { describe, expect, test } from 'vitest'
import { emptyConversation, fold } from './fold.ts'

function journal(...payloads: JournalPayload[]): JournalEntry[] {
  return payloads.map((payload, index) => ({ sequence: index + 1, at: new Date(1_700_000_000_000 + index * 1000).toISOString(), payload }))
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
    const { items } = fold(emptyConversation, journal(chunk('m1', 'Hel'), { kind: 'notice', text: 'resumed' }, chunk('m1', 'lo')))
    expect(items.map((item) => ('text' in item ? item.text : ''))).toEqual(['Hello', 'resumed'])
  })

  test('a thought and a message with the same id stay apart', () => {
    const { items } = fold(emptyConversation, journal(chunk('m1', 'hm', 'thought'), chunk('m1', 'yes')))
    expect(items.map(({ kind }) => kind)).toEqual(['thought', 'agent'])
  })

  test('a tool call keeps the fields that an update does not carry', () => {
    const { items } = fold(
      emptyConversation,
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
    const { items } = fold(emptyConversation, journal(prompt('p1'), plan('a'), plan('b'), prompt('p2'), plan('c')))
    expect(items.filter(({ kind }) => kind === 'plan')).toMatchObject([{ entries: [{ content: 'b' }] }, { entries: [{ content: 'c' }] }])
  })

  test('a turn is under way from its prompt to its end, and says how long it took', () => {
    const entries = journal(prompt('p1'), chunk('m', 'x'), { kind: 'turn_end', promptId: 'p1', outcome: 'end_turn', message: null })
    expect(fold(emptyConversation, entries.slice(0, 2)).turn?.promptId).toBe('p1')
    const done = fold(emptyConversation, entries)
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
    const first = fold(emptyConversation, entries.slice(0, 3))
    expect(fold(first, entries.slice(1))).toEqual(fold(emptyConversation, entries))
    expect(fold(first, entries.slice(0, 3))).toBe(first)
  })

  test('items that did not change stay the same objects', () => {
    const entries = journal(chunk('m1', 'a'), chunk('m2', 'b'), chunk('m2', 'c'))
    const first = fold(emptyConversation, entries.slice(0, 2))
    const second = fold(first, entries)
    expect(second.items[0]).toBe(first.items[0])
    expect(second.items[1]).not.toBe(first.items[1])
  })
})
