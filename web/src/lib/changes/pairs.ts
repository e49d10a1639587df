import type { DiffLine } from './patch.ts'

/** A row of the view side by side. A gap stands on both sides. */
export interface Pair {
  before: DiffLine | null
  after: DiffLine | null
}

export function pairsOf(lines: readonly DiffLine[]): Pair[] {
  const pairs: Pair[] = []
  for (let at = 0; at < lines.length; ) {
    const line = lines[at]
    if (line === undefined) break
    if (line.kind === 'same' || line.kind === 'gap') {
      pairs.push({ before: line, after: line })
      at += 1
      continue
    }
    const removed: DiffLine[] = []
    const added: DiffLine[] = []
    for (let one = lines[at]; one?.kind === 'removed'; one = lines[++at]) removed.push(one)
    for (let one = lines[at]; one?.kind === 'added'; one = lines[++at]) added.push(one)
    for (let index = 0; index < Math.max(removed.length, added.length); index++)
      pairs.push({ before: removed[index] ?? null, after: added[index] ?? null })
  }
  return pairs
}

/** The line on the other side that a changed line was, or became. */
export function partnersOf(lines: readonly DiffLine[]): Map<DiffLine, DiffLine> {
  const partners = new Map<DiffLine, DiffLine>()
  for (const { before, after } of pairsOf(lines)) {
    if (before === null || after === null || before === after) continue
    partners.set(before, after)
    partners.set(after, before)
  }
  return partners
}
