import { diffArrays, diffWordsWithSpace } from 'diff'
import type { Token, Tokens } from 'marked'
import { tokensOf } from '#lib/markdown/lexer.ts'

export interface Range {
  start: number
  end: number
}

/** One block of two versions of a document. */
export type Change =
  | { kind: 'same'; text: string }
  | { kind: 'added'; text: string }
  | { kind: 'removed'; text: string }
  /** `removed` are places in `before`, `added` in `after`. */
  | { kind: 'changed'; before: string; after: string; removed: Range[]; added: Range[] }

/** Blocks with less in common are one taken away and another that came. */
const alike = 0.4
/** Units: UTF-16 units of a block; beyond it words are not compared. */
const longest = 20_000

/** The blocks of a document as source; a list is as many as it has items. */
export function blocksOf(source: string): string[] {
  return tokensOf(source.replace(/\r\n|\r/g, '\n'))
    .flatMap((token: Token) =>
      token.type === 'list' ? (token as Tokens.List).items.map(({ raw }) => raw) : token.type === 'space' ? [] : [token.raw],
    )
    .map((raw) => raw.replace(/\s+$/, ''))
    .filter((raw) => raw !== '')
}

function wordRanges(before: string, after: string): { removed: Range[]; added: Range[]; same: number } {
  const found = { removed: [] as Range[], added: [] as Range[], same: 0 }
  let [left, right] = [0, 0]
  for (const { value, added, removed } of diffWordsWithSpace(before, after)) {
    const { length } = value
    if (added) found.added.push({ start: right, end: right + length })
    else if (removed) found.removed.push({ start: left, end: left + length })
    else found.same += value.trim().length
    if (!added) left += length
    if (!removed) right += length
  }
  return { ...found, removed: joined(found.removed, before), added: joined(found.added, after) }
}

/** Words that differ one after the other are one passage: what is between them is blank. */
function joined(ranges: readonly Range[], text: string): Range[] {
  const whole: Range[] = []
  for (const range of ranges) {
    const last = whole.at(-1)
    if (last !== undefined && text.slice(last.end, range.start).trim() === '') last.end = range.end
    else whole.push({ ...range })
  }
  return whole
}

function pair(before: string, after: string): Change | null {
  if (before.length > longest || after.length > longest) return null
  const { removed, added, same } = wordRanges(before, after)
  if ((2 * same) / (before.length + after.length) < alike) return null
  return { kind: 'changed', before, after, removed, added }
}

/** What was taken away and what came in its place: the first that are alike belong together, in their order. */
function matched(removed: readonly string[], added: readonly string[]): Change[] {
  const changes: Change[] = []
  let next = 0
  for (const before of removed) {
    let found: { at: number; change: Change } | null = null
    for (let at = next; at < added.length && found === null; at++) {
      const change = pair(before, added[at] ?? '')
      if (change !== null) found = { at, change }
    }
    if (found === null) {
      changes.push({ kind: 'removed', text: before })
      continue
    }
    for (const text of added.slice(next, found.at)) changes.push({ kind: 'added', text })
    changes.push(found.change)
    next = found.at + 1
  }
  return [...changes, ...added.slice(next).map((text): Change => ({ kind: 'added', text }))]
}

/** How a document came from one version to the other, block by block. A document that is not there is an empty one. */
export function compareDocuments(before: string | null, after: string | null): Change[] {
  const changes: Change[] = []
  let removed: string[] = []
  for (const part of diffArrays(blocksOf(before ?? ''), blocksOf(after ?? ''))) {
    if (part.removed) {
      removed = part.value
      continue
    }
    if (part.added) changes.push(...matched(removed, part.value))
    else changes.push(...matched(removed, []), ...part.value.map((text): Change => ({ kind: 'same', text })))
    removed = []
  }
  return [...changes, ...matched(removed, [])]
}

/** How many blocks differ. */
export const differing = (changes: readonly Change[]): number => changes.filter(({ kind }) => kind !== 'same').length

export type Run = { kind: 'same'; blocks: string[] } | { kind: 'change'; change: Exclude<Change, { kind: 'same' }> }

/** What is the same, taken together: long stretches of it are folded. */
export function runsOf(changes: readonly Change[]): Run[] {
  const runs: Run[] = []
  for (const change of changes) {
    const last = runs.at(-1)
    if (change.kind !== 'same') runs.push({ kind: 'change', change })
    else if (last?.kind === 'same') last.blocks.push(change.text)
    else runs.push({ kind: 'same', blocks: [change.text] })
  }
  return runs
}
