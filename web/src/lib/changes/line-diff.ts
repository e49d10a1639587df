import { structuredPatch } from 'diff'
import { type DiffLine, linesOfPatch } from './patch.ts'

/** Units: milliseconds. An edit that cannot be compared in this time is shown as all old, all new. */
const timeout = 300

/** The difference of two texts with three lines around each change. */
export function linesBetween(before: string, after: string): DiffLine[] {
  const patch = structuredPatch('a', 'b', before, after, '', '', { context: 3, timeout })
  if (patch === undefined) {
    const removed = before.split('\n').map((text, index): DiffLine => ({ kind: 'removed', before: index + 1, after: null, text }))
    return [...removed, ...after.split('\n').map((text, index): DiffLine => ({ kind: 'added', before: null, after: index + 1, text }))]
  }
  const hunks = patch.hunks.map((hunk) =>
    [`@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`, ...hunk.lines].join('\n'),
  )
  return linesOfPatch(hunks.join('\n'))
}
