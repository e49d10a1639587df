/** The entries of a list that are spelt most like a word, the best first; none where nothing is near. */
export function closest(word: string, list: readonly string[], most = 3): string[] {
  const wanted = word.toLowerCase()
  const near = (name: string): number => {
    const other = name.toLowerCase()
    return other.includes(wanted) || wanted.includes(other) ? 1 : distance(wanted, other)
  }
  return list
    .map((name) => ({ name, far: near(name) }))
    .filter(({ far }) => far <= Math.max(2, Math.floor(wanted.length / 3)))
    .toSorted((a, b) => a.far - b.far || a.name.length - b.name.length)
    .slice(0, most)
    .map(({ name }) => name)
}

/** Letters to change, add or leave out. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let i = 1; i <= one.length; i++) {
    const next = [i]
    for (let j = 1; j <= other.length; j++) {
      const change = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[other.length] ?? 0
}
