import type { UserId } from '@helix/contract/ids'
import { expect, test } from 'vitest'
import { mentionsIn } from './mentions.ts'
import { withEdits } from './suggestions.ts'

const people = ['Ada', 'Ada Lovelace', 'Grace Hopper', 'Jörg Ünal'].map((name) => ({ id: name as UserId, name }))
const names = (text: string) => mentionsIn(text, people).map(({ name }) => name)

test('the longest name that fits is meant, whatever its letters', () => {
  expect(names('@Ada Lovelace and @ada, ask @jörg ünal!')).toEqual(['Ada Lovelace', 'Ada', 'Jörg Ünal'])
  expect(names('(@Grace Hopper)')).toEqual(['Grace Hopper'])
})

test('an address, a longer word and code name nobody', () => {
  expect(names('mail@ada.example, @Adaline, `@Ada`')).toEqual([])
  expect(names('```\n@Ada\n```\n\nand @Grace Hoppers')).toEqual([])
})

test('edits are made at their places and keep the line ends of the text', () => {
  const edits = [
    { start: 4, end: 7, quote: 'two', text: 'zwei\ndrei' },
    { start: 0, end: 3, quote: 'one', text: '' },
  ]
  expect(withEdits('one\ntwo\nend', edits)).toBe('\nzwei\ndrei\nend')
  expect(withEdits('one\r\ntwo\r\nend', edits)).toBe('\r\nzwei\r\ndrei\r\nend')
  expect(withEdits('one two', [...edits, { start: 6, end: 7, quote: 'o', text: 'x' }])).toBeNull()
})
