import { createHash } from 'node:crypto'
import { continued, repeated } from '@helix/contract/interruption'

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
  const before = text.slice(0, match.index).replace(repeated, '').trim()
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

/**
 * What the last block asks for. A nudge and the word after an interruption ask for what was asked before: its text says what, and its mark is the
 * same, so that what was done already is not done in another way.
 */
export function lastFacts(asked: readonly string[]): TaskFacts | null {
  const all = asked.map((text) => ({ text, facts: readFacts(text) })).filter(({ facts }) => facts !== null)
  const whole = all.findLast(({ text, facts }) => facts?.round !== 'nudge' && !text.trimStart().startsWith(continued))
  const last = all.at(-1)?.facts ?? null
  const same = whole?.facts?.number === last?.number && whole?.facts?.phase === last?.phase
  return same ? (whole?.facts ?? null) : last
}
