import { createHash } from 'node:crypto'

/** The data of a <helix-task> block, see docs/architecture.md. */
export interface TaskFacts {
  phase: 'planning' | 'implementing'
  /** `revise_spec`, `revise_implementation`, `resolve_conflict`, `nudge`; absent for a first round. */
  round: string | null
  number: string
  title: string
  slug: string
  specFolder: string
  specsWorktree: string
  repository: string
  branch: string
  baseBranch: string
  /** What stood before the block. */
  text: string
  /** Short hash of that text: tells rounds apart. */
  mark: string
}

const block = /<helix-task>\n([\s\S]*?)\n<\/helix-task>/g

export function readFacts(text: string): TaskFacts | null {
  const match = [...text.matchAll(block)].at(-1)
  if (match?.[1] === undefined) return null
  const values = new Map(match[1].split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]))
  const get = (name: string): string => values.get(name) ?? ''
  const before = text.slice(0, match.index).trim()
  const specFolder = get('spec-folder')
  return {
    phase: get('phase') === 'planning' ? 'planning' : 'implementing',
    round: values.get('round') ?? null,
    number: get('number'),
    title: get('title'),
    slug: specFolder.slice(specFolder.lastIndexOf('/') + 1).replace(/^\d+_/, ''),
    specFolder,
    specsWorktree: get('specs-worktree'),
    repository: get('repository'),
    branch: get('branch'),
    baseBranch: get('base-branch'),
    text: before,
    mark: createHash('sha256').update(before).digest('hex').slice(0, 8),
  }
}
