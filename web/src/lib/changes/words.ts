import { diffWordsWithSpace } from 'diff'

/** Units: UTF-16 units of a line; beyond it words are not worth the wait. */
const longest = 1000

export interface Range {
  start: number
  end: number
}

/** What differs between two versions of a line; nothing where they have so little in common that everything would be marked. */
export function changedRanges(before: string, after: string): { before: Range[]; after: Range[] } {
  const none = { before: [], after: [] }
  if (before.length > longest || after.length > longest || before === after) return none
  const ranges: { before: Range[]; after: Range[] } = { before: [], after: [] }
  let [left, right, same] = [0, 0, 0]
  for (const { value, added, removed } of diffWordsWithSpace(before, after)) {
    const { length } = value
    if (added) ranges.after.push({ start: right, end: right + length })
    else if (removed) ranges.before.push({ start: left, end: left + length })
    else same += value.trim().length
    if (!added) left += length
    if (!removed) right += length
  }
  return same * 3 < Math.min(before.trim().length, after.trim().length) ? none : ranges
}
