import { describe, expect, test } from 'vitest'
import { linesBetween } from './line-diff.ts'
import { linesOfPatch } from './patch.ts'

describe('diffs', () => {
  test('lines are numbered on both sides', () => {
    const lines = linesOfPatch('@@ -3,3 +3,4 @@ function x() {\n same\n-old\n+new\n+more\n end\n')
    expect(lines).toEqual([
      { kind: 'gap', before: null, after: null, text: 'function x() {' },
      { kind: 'same', before: 3, after: 3, text: 'same' },
      { kind: 'removed', before: 4, after: null, text: 'old' },
      { kind: 'added', before: null, after: 4, text: 'new' },
      { kind: 'added', before: null, after: 5, text: 'more' },
      { kind: 'same', before: 5, after: 6, text: 'end' },
    ])
  })

  test('the head of git, and the note about a missing line end, are no lines of the file', () => {
    const lines = linesOfPatch('diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+-- one\n\\ No newline at end of file\n')
    expect(lines).toEqual([{ kind: 'added', before: null, after: 1, text: '-- one' }])
  })

  test('two texts are compared line by line', () => {
    expect(linesBetween('a\nb\n', 'a\nc\n').map(({ kind, text }) => `${kind} ${text}`)).toEqual(['same a', 'removed b', 'added c'])
  })
})
