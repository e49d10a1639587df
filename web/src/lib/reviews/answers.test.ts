import type { JournalPayload } from '@helix/contract/sessions'
import { expect, test } from 'vitest'
import { Folder } from '#lib/conversation/fold.ts'
import { answeringOf } from './answers.ts'

function itemsOf(...payloads: JournalPayload[]) {
  const folder = new Folder()
  folder.take(payloads.map((payload, index) => ({ sequence: index + 1, at: '2026-01-01T00:00:00Z', payload })))
  return folder.items
}
const prompt = (promptId: string): JournalPayload => ({ kind: 'prompt', promptId, origin: 'person', author: 'Ada', text: 'Why?' })
const says = (messageId: string, text: string): JournalPayload => ({ kind: 'chunk', messageId, role: 'agent', text })
const end = (promptId: string): JournalPayload => ({ kind: 'turn_end', promptId, outcome: 'end_turn', message: null })

test('a question that others are before waits', () => {
  expect(answeringOf(itemsOf(prompt('prm_1'), says('m1', 'For another')), 'prm_2').state).toBe('waiting')
})

test('the answer grows with the journal, and the last message is the answer', () => {
  const turn = [prompt('prm_1'), says('m1', 'Let me look.'), { kind: 'tool', toolCallId: 't', title: 'Read design.md' } as JournalPayload]
  expect(answeringOf(itemsOf(...turn), 'prm_1')).toEqual({ state: 'running', text: 'Let me look.', activity: 'Read design.md' })
  const answer = [...turn, says('m2', 'Because '), says('m2', 'of the cache.')]
  expect(answeringOf(itemsOf(...answer), 'prm_1')).toEqual({ state: 'running', text: 'Because of the cache.', activity: null })
  expect(answeringOf(itemsOf(...answer, end('prm_1'), prompt('prm_2'), says('m3', 'Other')), 'prm_1')).toMatchObject({
    state: 'ended',
    text: 'Because of the cache.',
  })
})
