import { expect, test } from 'vitest'
import { mentionAt, withMention } from './mention.ts'

test('a file is named by an @ at the beginning of a word, up to the caret', () => {
  expect(mentionAt('look at @src/li', 15)).toEqual({ start: 8, query: 'src/li' })
  expect(mentionAt('@', 1)).toEqual({ start: 0, query: '' })
  expect(mentionAt('mail ada@example.com', 20)).toBeNull()
  expect(mentionAt('look at @src/li now', 19)).toBeNull()
})

test('the chosen path takes the place of the letters, and the caret stands behind it', () => {
  const text = 'look at @li and go'
  expect(withMention(text, 11, { start: 8, query: 'li' }, 'src/list.ts')).toEqual({ text: 'look at @src/list.ts and go', caret: 20 })
  expect(withMention('@li', 3, { start: 0, query: 'li' }, 'a.ts')).toEqual({ text: '@a.ts ', caret: 6 })
})
