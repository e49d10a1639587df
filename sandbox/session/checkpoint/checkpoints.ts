import { checkpointRef } from '@helix/contract/checkpoints'
import type { SessionFile } from '@helix/contract/link'
import type { KeptCheckpoint } from '@helix/contract/sessions'
import type { Git } from '../git/git.ts'
import type { WorkingCopy } from '../git/working-copy.ts'
import { type Log, reasonOf } from '../log.ts'
import type { Redactor } from '../redactor.ts'
import type { State } from '../state.ts'
import type { Workspace } from '../workspace.ts'
import { AgentState } from './agent-state.ts'
import { type CopySnapshot, snapshotCopy } from './copy.ts'

/** Remembered states of an agent build on one another, which makes them small to send, and begin anew so often that old ones can go. */
const chainLength = 20

export interface CheckpointsInput {
  session: SessionFile
  state: State
  agentState: string
  redactor: Redactor
  log: Log
  /** Writes it into the journal. */
  kept(checkpoint: KeptCheckpoint): void
}

interface Occasion {
  cause: KeptCheckpoint['cause']
  promptId: string | null
  /** Units: milliseconds that the control plane has for taking it. */
  deadlineMs: number
}

/** Keeps files and conversation elsewhere than on the volume: as commits under hidden refs of the session's repositories. */
export class Checkpoints {
  private readonly input: CheckpointsInput
  private agent: AgentState | null = null
  private toldLeftOut = ''
  private running: Promise<unknown> = Promise.resolve()

  constructor(input: CheckpointsInput) {
    this.input = input
  }

  /** Answers with what people have to know. What is as it was makes no new one; a failure costs the checkpoint and nothing else. */
  keep(workspace: Workspace, occasion: Occasion): Promise<string[]> {
    const kept = this.running.then(() => this.attempt(workspace, occasion))
    this.running = kept
    return kept
  }

  private async attempt(workspace: Workspace, occasion: Occasion): Promise<string[]> {
    const primary = workspace.copies.find(({ spec }) => spec.primary) ?? workspace.copies[0]
    if (primary === undefined) return []
    try {
      return await this.keepWith(workspace, primary, occasion)
    } catch (error) {
      this.input.log.warn('no checkpoint', { reason: reasonOf(error) })
      return [`What stands here was not kept as a checkpoint: ${this.input.redactor.text(reasonOf(error))}`]
    }
  }

  private async keepWith({ copies, specs }: Workspace, primary: WorkingCopy, occasion: Occasion): Promise<string[]> {
    const { state, session } = this.input
    const { deadlineMs, ...because } = occasion
    const found: [WorkingCopy, CopySnapshot][] = []
    for (const copy of copies) found.push([copy, await snapshotCopy(copy.git)])
    const drafts = specs === null ? null : await snapshotCopy(specs)
    const agent = await this.snapshotAgent(primary.git)
    const held = JSON.stringify([
      ...found.map(([, { tree, head, branch }]) => [tree, head, branch]),
      drafts?.tree,
      drafts?.head,
      agent.tree,
    ])
    const leftOut = leftOutOf(found, drafts, agent.leftOut)
    const notices = this.news(leftOut)
    if (state.checkpoint?.held === held) return notices
    const n = Math.max(state.checkpoint?.n ?? 0, session.kept.last) + 1
    const repositories: KeptCheckpoint['repositories'] = []
    const beside: string[] = []
    const specsCommit = drafts === null ? null : await commitOf(primary.git, drafts.tree, drafts.head, n)
    if (specsCommit !== null) beside.push(`${specsCommit}:${checkpointRef(session.sessionId, n, 'specs')}`)
    const before = n % chainLength === 1 ? null : (state.checkpoint?.agent ?? null)
    const agentCommit = agent.tree === null ? null : await commitOf(primary.git, agent.tree, await known(primary.git, before), n)
    if (agentCommit !== null) beside.push(`${agentCommit}:${checkpointRef(session.sessionId, n, 'agent')}`)
    for (const [copy, { tree, head, branch }] of found) {
      const commit = await commitOf(copy.git, tree, head, n)
      const refs = [`${commit}:${checkpointRef(session.sessionId, n)}`, ...(copy === primary ? beside : [])]
      await copy.git.remote(['push', '--quiet', '--force', '--atomic', 'origin', ...refs], deadlineMs)
      repositories.push({ name: copy.spec.name, branch, commit, head })
    }
    // Before it is told: a volume never knows of fewer than the control plane does.
    state.setCheckpoint({ n, held, agent: agentCommit })
    this.input.kept({
      kind: 'checkpoint',
      n,
      ...because,
      repositories,
      specs: specsCommit === null ? null : { commit: specsCommit, head: drafts?.head ?? null },
      agent:
        agentCommit === null
          ? null
          : { commit: agentCommit, runtime: session.agentRuntime, session: state.agentSession(session.agentRuntime) },
      leftOut,
    })
    return notices
  }

  private async snapshotAgent(git: Git): Promise<{ tree: string | null; leftOut: string[] }> {
    const { agentState: folder, redactor } = this.input
    this.agent ??= new AgentState({ git, folder, redactor })
    try {
      return await this.agent.snapshot()
    } catch (error) {
      return { tree: null, leftOut: [`what the agent remembers: ${redactor.text(reasonOf(error))}`] }
    }
  }

  /** The same things are left out at each turn's end: they are told once. */
  private news(leftOut: readonly string[]): string[] {
    const text = leftOut.join('; ')
    if (text === this.toldLeftOut) return []
    this.toldLeftOut = text
    return text === '' ? [] : [`Not in the checkpoint: ${text}.`]
  }
}

function leftOutOf(found: [WorkingCopy, CopySnapshot][], drafts: CopySnapshot | null, agent: string[]): string[] {
  const named = (name: string, { leftOut }: CopySnapshot): string[] => leftOut.map((text) => `${name}: ${text}`)
  const all = [
    ...found.flatMap(([{ spec }, snapshot]) => named(spec.name, snapshot)),
    ...(drafts === null ? [] : named('helix-specs', drafts)),
    ...agent,
  ]
  return all.map((text) => text.slice(0, 500)).slice(0, 50)
}

const helix = { NAME: 'Helix', EMAIL: 'helix@localhost' }
const identity = Object.fromEntries(
  ['AUTHOR', 'COMMITTER'].flatMap((role) => Object.entries(helix).map(([key, value]) => [`GIT_${role}_${key}`, value])),
)

function commitOf(git: Git, tree: string, parent: string | null, n: number): Promise<string> {
  const parents = parent === null ? [] : ['-p', parent]
  return git.with(identity).ask('-c', 'commit.gpgSign=false', 'commit-tree', tree, ...parents, '-m', `Checkpoint ${n}`)
}

/** The commit, if the store still has it. */
async function known(git: Git, commit: string | null): Promise<string | null> {
  return commit !== null && (await git.find('cat-file', '-e', `${commit}^{commit}`)) !== undefined ? commit : null
}
