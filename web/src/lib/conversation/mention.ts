export interface Mention {
  /** Where the @ stands. */
  start: number
  query: string
}

/** The file that is being named at the caret: an @ at the beginning of a word, and what follows it up to the caret. */
export function mentionAt(text: string, caret: number): Mention | null {
  const match = /(?:^|[\s(])@([^\s@]{0,200})$/.exec(text.slice(0, caret))
  return match === null ? null : { start: caret - (match[1]?.length ?? 0) - 1, query: match[1] ?? '' }
}

/** The text with the path in the mention's place, and where the caret stands then. */
export function withMention(text: string, caret: number, { start }: Mention, path: string): { text: string; caret: number } {
  const after = text.slice(caret)
  const named = `@${path}${after.startsWith(' ') ? '' : ' '}`
  return { text: text.slice(0, start) + named + after, caret: start + named.length }
}
