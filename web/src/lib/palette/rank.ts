export interface Entry {
  key: string
  label: string
  /** Searched but shown small: the project of a task, a status. */
  detail: string
  group: string
  href?: string
  run?: () => void
}

/** How well an entry fits: all words must occur; the beginning of the label counts most. Null: not at all. */
export function score(entry: Pick<Entry, 'label' | 'detail'>, query: string): number | null {
  const label = entry.label.toLowerCase()
  const all = `${label} ${entry.detail.toLowerCase()}`
  let sum = 0
  for (const word of query.toLowerCase().split(/\s+/)) {
    if (word === '') continue
    const at = all.indexOf(word)
    if (at === -1) return null
    const startsWord = at === 0 || /[\s#/_-]/.test(all[at - 1] ?? '')
    sum += (at === 0 ? 4 : 0) + (startsWord ? 2 : 0) + (at < label.length ? 1 : 0)
  }
  return sum
}

/** The entries that fit, best first; equal ones keep their order. */
export function rank(entries: readonly Entry[], query: string, limit: number): Entry[] {
  return entries
    .map((entry) => ({ entry, value: score(entry, query.trim()) }))
    .filter((found): found is { entry: Entry; value: number } => found.value !== null)
    .sort((a, b) => b.value - a.value)
    .slice(0, limit)
    .map(({ entry }) => entry)
}
