import { expect, test } from 'vitest'
import { newId } from '../context.ts'
import type { Intent, RefMove } from './intents.ts'
import { findMovements } from './movements.ts'

const commit = (letter: string): string => letter.repeat(40)
const ref = 'refs/heads/x'
const move = (from: string | null, to: string | null): RefMove => ({
  ref,
  oldCommit: from === null ? null : commit(from),
  newCommit: to === null ? null : commit(to),
})
const intent = (moves: RefMove[], moved: RefMove[] | null): Intent => ({
  id: newId('push'),
  pusher: { kind: 'person', id: newId('user') },
  host: 'h',
  pid: 1,
  notedAt: 0,
  moves,
  moved,
})
const killed = (from: string | null, to: string | null) => intent([move(from, to)], null)
const ended = (from: string | null, to: string | null) => intent([move(from, to)], [move(from, to)])

async function foundIn(intents: Intent[], recorded: string | null, actual: string | null, reflog: [string | null, string | null][] = []) {
  const state = (letter: string | null) => new Map(letter === null ? [] : [[ref, commit(letter)]])
  const logged = async (one: RefMove) =>
    reflog.some(([from, to]) => move(from, to).oldCommit === one.oldCommit && move(from, to).newCommit === one.newCommit)
  const found = await findMovements(intents, { recorded: state(recorded), actual: state(actual), logged })
  return found.map((one) => `${one.oldCommit?.[0] ?? '-'}${one.newCommit?.[0] ?? '-'}`)
}

test('a push killed after its ref moved counts; one killed before does not', async () => {
  expect(await foundIn([killed('a', 'b')], 'a', 'b')).toEqual(['ab'])
  expect(await foundIn([killed('a', 'b')], 'a', 'a')).toEqual([])
})

test('a later push does not hide an earlier one, in whatever order they are found', async () => {
  expect(await foundIn([killed('b', 'c'), killed('a', 'b')], 'a', 'c', [['a', 'b']])).toEqual(['ab', 'bc'])
  expect(await foundIn([ended('c', 'd'), killed('b', 'c'), ended('a', 'b')], 'a', 'd', [['b', 'c']])).toEqual(['ab', 'bc', 'cd'])
})

test('of two pushes of the same commit only the one that moved the ref counts', async () => {
  expect(await foundIn([killed('a', 'b'), killed('a', 'b')], 'a', 'b')).toEqual(['ab'])
  expect(await foundIn([ended('a', 'b'), killed('a', 'b')], 'a', 'b')).toEqual(['ab'])
  expect(await foundIn([killed('a', 'b')], 'b', 'b')).toEqual([])
  expect(await foundIn([intent([move('a', 'b')], [])], 'a', 'b')).toEqual([])
})

test('branches come and go', async () => {
  expect(await foundIn([killed(null, 'a'), ended('a', null)], null, null, [[null, 'a']])).toEqual(['-a', 'a-'])
  expect(await foundIn([killed('a', null)], 'a', null)).toEqual(['a-'])
  expect(await foundIn([killed('a', null)], 'a', 'a')).toEqual([])
})

test('a gap in what is recorded does not lose the push that explains where the ref is', async () => {
  expect(await foundIn([killed('b', 'c')], 'a', 'c')).toEqual(['bc'])
  expect(await foundIn([ended('b', 'c')], 'a', 'c')).toEqual(['bc'])
})
