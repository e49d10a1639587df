export interface DiffLine {
  kind: 'same' | 'added' | 'removed' | 'gap'
  before: number | null
  after: number | null
  text: string
}

const hunkHead = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@ ?(.*)$/

/** The lines of a unified diff of one file, with their numbers on both sides. What stands before the first hunk is left out. */
export function linesOfPatch(patch: string): DiffLine[] {
  const lines: DiffLine[] = []
  let before = 0
  let after = 0
  let inside = false
  for (const raw of patch.replace(/\n$/, '').split('\n')) {
    const head = hunkHead.exec(raw)
    if (head !== null) {
      before = Number(head[1])
      after = Number(head[2])
      inside = true
      lines.push({ kind: 'gap', before: null, after: null, text: head[3] ?? '' })
    } else if (inside && !raw.startsWith('\\')) {
      const text = raw.slice(1)
      if (raw.startsWith('+')) lines.push({ kind: 'added', before: null, after: after++, text })
      else if (raw.startsWith('-')) lines.push({ kind: 'removed', before: before++, after: null, text })
      else lines.push({ kind: 'same', before: before++, after: after++, text })
    }
  }
  return lines[0]?.kind === 'gap' && lines[0].text === '' && (lines[1]?.after ?? lines[1]?.before ?? 2) <= 1 ? lines.slice(1) : lines
}
