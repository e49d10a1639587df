export interface FindWord {
  /** For `ilike`; `%` and `_` stand for themselves. */
  pattern: string
  /** The task that `#7` or `7` names; null where the word is none. */
  number: number | null
}

/** The words that a title must have, each; of more than ten the rest are left out. */
export function findWords(find: string | undefined): FindWord[] {
  return (find ?? '')
    .split(/\s+/)
    .filter((word) => word !== '')
    .slice(0, 10)
    .map((word) => ({
      pattern: `%${word.replace(/[\\%_]/g, '\\$&')}%`,
      number: /^#?\d{1,9}$/.test(word) ? Number(word.replace('#', '')) : null,
    }))
}
