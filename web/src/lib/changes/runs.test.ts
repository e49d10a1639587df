import { expect, test } from 'vitest'
import { pairsOf, partnersOf } from './pairs.ts'
import { linesOfPatch } from './patch.ts'
import { coloursOf, runsOf } from './runs.ts'
import { changedRanges } from './words.ts'

test('what differs between two lines is found word by word', () => {
  const { before, after } = changedRanges('const a = one(x)', 'const a = two(x)')
  expect(before.map(({ start, end }) => 'const a = one(x)'.slice(start, end))).toEqual(['one'])
  expect(after.map(({ start, end }) => 'const a = two(x)'.slice(start, end))).toEqual(['two'])
})

test('two lines that have nothing in common are not marked word by word', () => {
  expect(changedRanges('import { a } from "b"', 'return 42')).toEqual({ before: [], after: [] })
})

test('colours and changed words cut a line into runs that are the line again', () => {
  const html = '<span class="hljs-keyword">const</span> a = <span class="hljs-string">&quot;&lt;b&gt;&quot;</span>\nnext'
  const [colours] = coloursOf(html)
  const text = 'const a = "<b>"'
  const runs = runsOf(text, colours, [{ start: 6, end: 12 }])
  expect(runs.map((run) => run.text).join('')).toBe(text)
  expect(runs[0]).toEqual({ text: 'const', colour: 'hljs-keyword', changed: false })
  expect(
    runs
      .filter(({ changed }) => changed)
      .map((run) => run.text)
      .join(''),
  ).toBe('a = "<')
})

test('colours of another text are left out', () => {
  expect(runsOf('abc', [{ text: 'abd', colour: 'x' }], [])).toEqual([{ text: 'abc', colour: '', changed: false }])
})

test('side by side, each removed line stands beside the added one of its place', () => {
  const lines = linesOfPatch('@@ -1,3 +1,3 @@\n same\n-old\n+new\n+more\n')
  expect(pairsOf(lines).map(({ before, after }) => [before?.text ?? null, after?.text ?? null])).toEqual([
    ['same', 'same'],
    ['old', 'new'],
    [null, 'more'],
  ])
  const [, old, fresh, more] = lines
  expect([partnersOf(lines).get(old as never)?.text, partnersOf(lines).get(fresh as never)?.text]).toEqual(['new', 'old'])
  expect(partnersOf(lines).get(more as never)).toBeUndefined()
})
