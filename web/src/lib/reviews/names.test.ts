import { expect, test } from 'vitest'
import { nameAt, namesLike } from './names.ts'

test('a name is being typed after an @ at the beginning of a word', () => {
  expect(nameAt('Ask @gra', 8)).toEqual({ start: 4, query: 'gra' })
  expect(nameAt('Ask @Grace Ho', 13)).toEqual({ start: 4, query: 'Grace Ho' })
  expect(nameAt('mail@example', 12)).toBeNull()
  expect(nameAt('Ask @Zoë', 8)).toEqual({ start: 4, query: 'Zoë' })
})

test('people are offered by any word of their name, and not once it is written', () => {
  const people = ['Ada Lovelace', 'Grace Hopper', 'Hope Ada'].map((name) => ({ name }))
  expect(namesLike(people, 'ada').map(({ name }) => name)).toEqual(['Ada Lovelace', 'Hope Ada'])
  expect(namesLike(people, 'ho').map(({ name }) => name)).toEqual(['Grace Hopper', 'Hope Ada'])
  expect(namesLike(people, 'Grace Hopper what')).toEqual([])
})
