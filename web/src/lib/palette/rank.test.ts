import { expect, test } from 'vitest'
import { type Entry, rank } from './rank.ts'

const entry = (label: string, detail = ''): Entry => ({ key: label, label, detail, group: 'Tasks' })
const entries = [
  entry('#12 Repair the greeting', 'sample'),
  entry('#1 Add a greeting', 'sample'),
  entry('Greeter', 'project'),
  entry('New task'),
]

test('a number finds the task that begins with it first', () => {
  expect(rank(entries, '#1', 9).map(({ label }) => label)).toEqual(['#12 Repair the greeting', '#1 Add a greeting'])
  expect(rank(entries, '#12', 9)).toHaveLength(1)
})

test('every word must occur, in the label or beside it', () => {
  expect(rank(entries, 'greeting sample add', 9).map(({ label }) => label)).toEqual(['#1 Add a greeting'])
  expect(rank(entries, 'greeting nothing', 9)).toEqual([])
})

test('an empty query keeps the order', () => {
  expect(rank(entries, ' ', 2).map(({ label }) => label)).toEqual(['#12 Repair the greeting', '#1 Add a greeting'])
})
