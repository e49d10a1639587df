import { join } from 'node:path'
import { checkpointRef } from '@helix/contract/checkpoints'
import type { SessionFile, SessionKept } from '@helix/contract/link'
import { type Git, GitFailure } from '../git/git.ts'
import { hasRemoteBranch, type RepositorySpec } from '../git/working-copy.ts'
import type { State } from '../state.ts'
import { plainFiles } from './agent-state.ts'

export type Kept = NonNullable<SessionKept['from']>

const fetchDeadlineMs = 120_000

/** The checkpoint that this volume has to begin with; null: it has all of it, or there is none. */
export function restorable(session: Pick<SessionFile, 'kept' | 'sessionId'>, state: State): Kept | null {
  const { from } = session.kept
  if (from === null || state.restored === nameOf(from)) return null
  // A volume that was left behind while the session ran elsewhere is as good as none.
  const behind = isOwn(session, from) ? (state.checkpoint?.n ?? 0) < from.n : state.checkpoint === null && state.restored === null
  return behind ? from : null
}

export const nameOf = ({ sessionId, n }: Kept): string => `${sessionId}/${n}`
export const isOwn = (session: Pick<SessionFile, 'sessionId'>, from: Kept): boolean => from.sessionId === session.sessionId

/** Brings one checkpoint back onto a new volume, and notes what could not be brought. */
export class Restore {
  readonly from: Kept
  readonly own: boolean
  /** For people. */
  readonly notes: string[] = []
  /** The agent's state is in its place, with the name of its conversation. */
  conversation: string | null = null

  constructor(session: SessionFile, from: Kept) {
    this.from = from
    this.own = isOwn(session, from)
  }

  /**
   * In a fresh clone without files: HEAD and branch as they were, all that differed as uncommitted work. A fork goes on on its own branch. False: the
   * checkpoint has nothing of this repository, or it cannot be had.
   */
  async copy(git: Git, spec: RepositorySpec): Promise<boolean> {
    const { from } = this
    const kept = from.repositories.find(({ name }) => name === spec.name)
    const commit = kept === undefined ? null : await this.fetch(git, spec.name)
    if (kept === undefined || commit === null) return false
    const head = (await git.find('rev-parse', '--verify', '--quiet', `${commit}^`)) ?? null
    const branch = this.own ? kept.branch : spec.branch
    if (head === null) await git.ask('symbolic-ref', 'HEAD', `refs/heads/${branch ?? spec.branch}`)
    else if (branch === null) await git.ask('update-ref', '--no-deref', 'HEAD', head)
    else {
      await git.ask('update-ref', `refs/heads/${branch}`, head)
      await git.ask('symbolic-ref', 'HEAD', `refs/heads/${branch}`)
    }
    await git.ask('read-tree', '--reset', '-u', commit)
    await git.ask('read-tree', head ?? '--empty')
    await git.find('update-index', '-q', '--refresh')
    if (this.own && branch !== null && head !== null) await this.catchUp(git, spec.name, branch, head)
    return true
  }

  /** What was pushed after the checkpoint. */
  private async catchUp(git: Git, name: string, branch: string, head: string): Promise<void> {
    if (!(await hasRemoteBranch(git, branch))) return
    const remote = `refs/remotes/origin/${branch}`
    await git.find('branch', '--quiet', `--set-upstream-to=origin/${branch}`)
    const newer = Number(await git.ask('rev-list', '--count', `${head}..${remote}`))
    if (newer === 0 || (await git.find('merge', '--quiet', '--ff-only', remote)) !== undefined) return
    const commits = `${newer} ${newer === 1 ? 'commit' : 'commits'}`
    this.notes.push(`${name}: ${branch} has ${commits} pushed after the checkpoint: fetch and merge them before pushing.`)
    // What the working copy never saw is not pushed over.
    if ((await git.find('merge-base', '--is-ancestor', head, remote)) !== undefined) await git.ask('update-ref', remote, head)
  }

  /** Drafts go on top of what others pushed meanwhile. */
  async specs(specs: Git): Promise<void> {
    const commit = this.from.specs === null ? null : await this.fetch(specs, 'helix-specs', 'specs')
    const head = commit === null ? undefined : await specs.find('rev-parse', '--verify', '--quiet', `${commit}^`)
    if (commit === null || head === undefined) return
    if ((await specs.find('merge-base', '--is-ancestor', head, 'HEAD')) === undefined) await specs.ask('reset', '--quiet', '--hard', head)
    if ((await specs.find('diff', '--quiet', head, commit)) !== undefined) return
    if ((await specs.find('cherry-pick', '--no-commit', commit)) !== undefined) {
      await specs.ask('reset', '--quiet')
      return
    }
    await specs.ask('reset', '--quiet', '--hard')
    this.notes.push(`helix-specs: the drafts do not fit what others pushed meanwhile; they are in commit ${commit.slice(0, 12)}.`)
  }

  /** The agent's state as it was, in place of what is there. Before the agent starts. */
  async agent(git: Git, folder: string, runtime: string): Promise<void> {
    const { agent } = this.from
    if (agent === null || agent.runtime !== runtime) return
    const commit = await this.fetch(git, 'what the agent remembers', 'agent')
    if (commit === null) return
    const gitDir = await git.ask('rev-parse', '--absolute-git-dir')
    const index = join(gitDir, 'helix-agent-index')
    const inState = git.in(folder).with({ ...plainFiles, GIT_DIR: gitDir, GIT_WORK_TREE: folder, GIT_INDEX_FILE: index })
    await inState.shell('find', folder, '-mindepth', '1', '-delete')
    await git.shell('rm', '-f', index, `${index}.lock`)
    await inState.ask('read-tree', commit)
    await inState.ask('checkout-index', '--all', '--force')
    await git.shell('rm', '-f', index)
    this.conversation = agent.session
  }

  private async fetch(git: Git, what: string, part?: 'specs' | 'agent'): Promise<string | null> {
    const { sessionId, n } = this.from
    const local = `refs/helix/restored${part === undefined ? '' : `-${part}`}`
    try {
      const ref = checkpointRef(sessionId, n, part)
      await git.remote(['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', 'origin', `+${ref}:${local}`], fetchDeadlineMs)
      const commit = await git.ask('rev-parse', '--verify', `${local}^{commit}`)
      await git.ask('update-ref', '-d', local)
      return commit
    } catch (error) {
      if (!(error instanceof GitFailure)) throw error
      // Out of reach is no reason to begin with less.
      if (error.kind === 'unreachable') throw error
      this.notes.push(`${what} could not be brought back: ${error.message.slice(0, 300)}`)
      return null
    }
  }

  /** For the conversation. */
  sentences(): string[] {
    const { n, at, leftOut } = this.from
    const made = `${at.slice(0, 16).replace('T', ' ')} UTC`
    const begun = this.own
      ? `This machine is new: files and conversation were brought back from checkpoint ${n} of ${made}. What was done after it and not pushed is lost.`
      : `This session began with checkpoint ${n} of another session, of ${made}: its files are here as uncommitted work on a branch of this session.`
    const never =
      'ignored files, what was installed outside of the working copies, images and containers of the inner Docker, terminals, and what ran'
    const talk = this.conversation === null ? ' The agent begins a new conversation.' : ''
    return [`${begun}${talk} Not brought along: ${[never, ...leftOut].join('; ')}.`, ...this.notes]
  }
}
