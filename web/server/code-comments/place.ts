import type { CodeComment } from '@helix/contract/code-comments'

type Anchor = Pick<CodeComment, 'commit' | 'side' | 'line' | 'quote'>
type Place = Pick<CodeComment, 'place' | 'currentLine'>

const gone: Place = { place: 'outdated', currentLine: null }

/**
 * Where a comment stands in the newest commit. `text`: the file there, null when it is gone. A line counts as moved only when its text stands in
 * one place.
 */
export function placeOf({ commit, side, line, quote }: Anchor, head: string | null, text: string | null): Place {
  if (head === null || commit === head) return { place: 'current', currentLine: line }
  if (line === null) return text === null ? gone : { place: 'current', currentLine: null }
  // The lines before the change do not move with the branch, but whether they are shown does.
  if (side === 'before' || text === null || quote === null) return gone
  const lines = text.split('\n')
  if (lines[line - 1] === quote) return { place: 'current', currentLine: line }
  if (quote.trim() === '') return gone
  const found = lines.flatMap((one, index) => (one === quote ? [index + 1] : []))
  return found.length === 1 ? { place: 'moved', currentLine: found[0] ?? null } : gone
}
