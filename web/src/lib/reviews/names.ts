/** The name that is being typed at the caret: an @ at the beginning of a word, and up to three words behind it. */
export function nameAt(text: string, caret: number): { start: number; query: string } | null {
  const match = /(?:^|[\s(])@([\p{L}\p{N}_.'’-]*(?: [\p{L}\p{N}_.'’-]*){0,2})$/u.exec(text.slice(0, caret))
  return match === null ? null : { start: caret - (match[1]?.length ?? 0) - 1, query: match[1] ?? '' }
}

/** At most five people with a word of their name that begins so; nobody once the name is there whole. */
export function namesLike<T extends { name: string }>(people: readonly T[], query: string): T[] {
  const wanted = query.toLowerCase()
  if (people.some(({ name }) => wanted.startsWith(`${name.toLowerCase()} `))) return []
  return people.filter(({ name }) => ` ${name.toLowerCase()}`.includes(` ${wanted}`)).slice(0, 5)
}
