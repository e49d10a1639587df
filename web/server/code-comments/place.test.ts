import { expect, test } from 'vitest'
import { placeOf } from './place.ts'

const [old, head] = ['a'.repeat(40), 'b'.repeat(40)]
const anchor = { commit: old, side: 'after' as const, line: 2, quote: 'const x = 1' }

test('a line that stands where it stood is current, also in a newer commit', () => {
  expect(placeOf({ ...anchor, commit: head }, head, null)).toEqual({ place: 'current', currentLine: 2 })
  expect(placeOf(anchor, head, 'first\nconst x = 1\n')).toEqual({ place: 'current', currentLine: 2 })
})

test('a line that stands in one other place has moved there; in two places nobody knows', () => {
  expect(placeOf(anchor, head, 'first\nsecond\nconst x = 1\n')).toEqual({ place: 'moved', currentLine: 3 })
  expect(placeOf(anchor, head, 'const x = 1\nsecond\nconst x = 1\n')).toMatchObject({ place: 'outdated' })
})

test('a line that is gone, a file that is gone and a line before the change are outdated', () => {
  expect(placeOf(anchor, head, 'first\n')).toMatchObject({ place: 'outdated' })
  expect(placeOf(anchor, head, null)).toMatchObject({ place: 'outdated' })
  expect(placeOf({ ...anchor, side: 'before' }, head, 'first\nconst x = 1\n')).toMatchObject({ place: 'outdated' })
  expect(placeOf({ ...anchor, line: null, quote: null }, head, null)).toMatchObject({ place: 'outdated' })
})
