import { reasonOf } from '../log.ts'
import { type Git, GitFailure } from './git.ts'
import { specsBranch } from './specs-worktree.ts'
import { hasRemoteBranch, type WorkingCopy } from './working-copy.ts'

/** Times that another session may push to `helix-specs` in between. */
const mostTries = 4
const mostNamedFiles = 5

/**
 * After a turn: commits of the task's branch and of `helix-specs` that the control plane does not have are pushed, so that nothing an agent
 * committed is lost with its machine. Never forces `helix-specs`. Answers with what people have to know.
 */
export async function safetyPush(input: { copies: readonly WorkingCopy[]; specs: Git | null; deadlineMs: number }): Promise<string[]> {
  const notices: string[] = []
  for (const copy of input.copies) {
    await attempt(notices, `${copy.spec.branch} of ${copy.spec.name}`, () => pushBranch(copy, input.deadlineMs))
    notices.push(...(await uncommitted(copy.git, copy.spec.name)))
  }
  if (input.specs !== null) {
    const specs = input.specs
    await attempt(notices, specsBranch, () => pushSpecs(specs, input.deadlineMs))
    notices.push(...(await uncommitted(specs, specsBranch)))
  }
  return notices
}

async function attempt(notices: string[], what: string, push: () => Promise<number>): Promise<void> {
  try {
    const commits = await push()
    if (commits > 0) notices.push(`Pushed ${commits} ${commits === 1 ? 'commit' : 'commits'} of ${what} that the agent had not pushed.`)
  } catch (error) {
    notices.push(`Commits of ${what} could not be pushed: ${reasonOf(error)}`)
  }
}

/** Answers with the number of commits that were pushed. */
async function pushBranch({ git, spec }: WorkingCopy, deadlineMs: number): Promise<number> {
  const local = `refs/heads/${spec.branch}`
  const known = (await hasRemoteBranch(git, spec.branch)) ? `refs/remotes/origin/${spec.branch}` : null
  const ahead = await countAhead(git, local, known ?? (await firstBase(git, [spec.baseBranch, spec.defaultBranch])))
  if (ahead === 0) return 0
  try {
    await git.remote(['push', '--quiet', 'origin', `${local}:${local}`], deadlineMs)
  } catch (error) {
    if (!(error instanceof GitFailure) || error.kind !== 'rejected' || known === null) throw error
    // The agent rewrote its own branch. The lease keeps what this working copy has never seen.
    await git.remote(
      ['push', '--quiet', `--force-with-lease=${local}:${await git.ask('rev-parse', known)}`, 'origin', `${local}:${local}`],
      deadlineMs,
    )
  }
  return ahead
}

async function pushSpecs(git: Git, deadlineMs: number): Promise<number> {
  const remote = `refs/remotes/origin/${specsBranch}`
  const end = Date.now() + deadlineMs
  for (let tries = 1; ; tries++) {
    const ahead = await countAhead(git, `refs/heads/${specsBranch}`, remote)
    if (ahead === 0) return 0
    try {
      await git.remote(
        ['push', '--quiet', 'origin', `refs/heads/${specsBranch}:refs/heads/${specsBranch}`],
        Math.max(1000, end - Date.now()),
      )
      return ahead
    } catch (error) {
      if (!(error instanceof GitFailure) || error.kind !== 'rejected' || tries === mostTries) throw error
      await git.remote(['fetch', '--quiet', 'origin'], Math.max(1000, end - Date.now()))
      await rebase(git, remote)
    }
  }
}

async function rebase(git: Git, onto: string): Promise<void> {
  try {
    await git.ask('-c', 'rebase.autoStash=true', 'rebase', '--quiet', onto)
  } catch (error) {
    await git.find('rebase', '--abort')
    throw error
  }
}

/** Commits of one ref that another does not have; 0 when the first does not exist, all of them when the second does not. */
async function countAhead(git: Git, local: string, known: string | null): Promise<number> {
  const range = known === null ? [local] : [local, `^${known}`]
  return Number((await git.find('rev-list', '--count', ...range)) ?? 0)
}

async function firstBase(git: Git, branches: readonly string[]): Promise<string | null> {
  for (const branch of branches) if (await hasRemoteBranch(git, branch)) return `refs/remotes/origin/${branch}`
  return null
}

async function uncommitted(git: Git, name: string): Promise<string[]> {
  const lines = ((await git.find('status', '--porcelain')) ?? '').split('\n').filter((line) => line !== '')
  if (lines.length === 0) return []
  const files = lines.slice(0, mostNamedFiles).map((line) => line.slice(3))
  const more = lines.length > files.length ? ` and ${lines.length - files.length} more` : ''
  return [`Uncommitted in ${name}: ${files.join(', ')}${more}.`]
}
