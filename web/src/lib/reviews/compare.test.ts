import { expect, test } from 'vitest'
import { blocksOf, compareDocuments, differing, runsOf } from './compare.ts'

test('a document falls into its blocks, a list into its items', () => {
  expect(blocksOf('# A\n\nText of\ntwo lines.\n\n- one\n- two\n\n```\ncode\n\nmore\n```\n')).toEqual([
    '# A',
    'Text of\ntwo lines.',
    '- one',
    '- two',
    '```\ncode\n\nmore\n```',
  ])
})

test('what is the same, came, went and changed is told apart, with the words that differ', () => {
  const before = '# A\n\nThe server answers within two seconds.\n\n- one\n- two\n\nOld end.'
  const after = '# A\n\nThe server answers within five seconds.\n\n- one\n- two\n- three'
  const changes = compareDocuments(before, after)
  expect(changes.map(({ kind }) => kind)).toEqual(['same', 'changed', 'same', 'same', 'removed', 'added'])
  const changed = changes[1]
  if (changed?.kind !== 'changed') throw new Error('it changed')
  expect(changed.removed.map(({ start, end }) => changed.before.slice(start, end))).toEqual(['two'])
  expect(changed.added.map(({ start, end }) => changed.after.slice(start, end))).toEqual(['five'])
  expect(differing(changes)).toBe(3)
})

test('words that differ one after the other are one passage', () => {
  const [changed] = compareDocuments('It greets the old person whose name it is given.', 'It greets everybody whose name it is given.')
  if (changed?.kind !== 'changed') throw new Error('it changed')
  expect(changed.removed.map(({ start, end }) => changed.before.slice(start, end).trim())).toEqual(['the old person'])
})

test('a block with little in common is one that went and another that came', () => {
  expect(compareDocuments('Apples are kept in the cellar.', 'Nothing at all remains!').map(({ kind }) => kind)).toEqual([
    'removed',
    'added',
  ])
})

test('a document that came or went is all added or all removed, and the same one has no difference', () => {
  expect(compareDocuments(null, '# A\n\nB').map(({ kind }) => kind)).toEqual(['added', 'added'])
  expect(compareDocuments('# A', null).map(({ kind }) => kind)).toEqual(['removed'])
  expect(differing(compareDocuments('# A\r\n\r\nB', '# A\n\nB'))).toBe(0)
})

test('stretches that are the same are taken together', () => {
  const runs = runsOf(compareDocuments('a\n\nb\n\nc\n\nd', 'a\n\nb\n\nc\n\nnew words\n\nd'))
  expect(runs.map((run) => (run.kind === 'same' ? run.blocks.length : run.change.kind))).toEqual([3, 'added', 1])
})
