import type { StoredComment } from './store.ts'

/** Units: characters of a quoted line. */
const longestQuote = 300

/** One comment as the agent reads it: file and line, the line itself, and what is said of it. */
function itemOf({ path, side, line, quote, body, author }: StoredComment): string {
  const where = line === null ? path : `${path}:${line}${side === 'before' ? ' (before the change)' : ''}`
  const what = quote === null || quote.trim() === '' ? '' : `, on \`${quote.trim().slice(0, longestQuote)}\``
  return `- ${where}${what}, ${author.name} says: ${body.trim().replaceAll('\n', '\n  ')}`
}

/** Comments on the changes for the agent; empty without any. */
export function commentsText(comments: readonly StoredComment[]): string {
  return comments.length === 0 ? '' : `Comments on the changes:\n${comments.map(itemOf).join('\n')}`
}
