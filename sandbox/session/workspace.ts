import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { SessionFile } from '@helix/contract/link'
import { nameOf, Restore, restorable } from './checkpoint/restore.ts'
import type { Config } from './config.ts'
import { Git } from './git/git.ts'
import { writeGitIdentity } from './git/identity.ts'
import { prepareSpecsWorktree } from './git/specs-worktree.ts'
import { prepareWorkingCopy, type WorkingCopy } from './git/working-copy.ts'
import type { Log } from './log.ts'
import type { Stages } from './stages.ts'
import type { State } from './state.ts'
import { type AgentUser, makeFolder } from './user.ts'

export interface Workspace {
  copies: WorkingCopy[]
  specs: Git | null
  /** The checkpoint that this start brought back; null: none had to be. */
  restored: Restore | null
}

/** Folders of the volume: the agent's, and the supervisor's own, which the sticky bit keeps the agent from moving away. */
export async function makeFolders(
  config: Config,
  session: SessionFile,
  user: AgentUser,
): Promise<{ helix: string; agentState: string; cwd: string }> {
  const helix = join(config.workspace, '.helix')
  await mkdir(helix, { recursive: true, mode: 0o700 })
  if (user.ids !== null) {
    await chown(config.workspace, 0, user.ids.gid)
    await chmod(config.workspace, 0o1775)
    // An older volume may have given it to somebody else.
    await chown(helix, 0, 0)
    await chmod(helix, 0o700)
  }
  await mkdir(config.runDir, { recursive: true })
  await makeFolder(user, config.agentHome)
  await makeFolder(user, join(config.workspace, '.agent'), 0o700)
  const agentState = join(config.workspace, '.agent', session.agentRuntime)
  await makeFolder(user, agentState, 0o700)
  const primary = primaryOf(session)
  return { helix, agentState, cwd: primary === undefined ? config.workspace : join(config.workspace, primary.name) }
}

/** Clones what is missing or brings back what is elsewhere, all repositories at once, then the worktree of the specs. */
export async function prepareWorkspace(input: {
  config: Config
  session: SessionFile
  user: AgentUser
  state: State
  stages: Stages
  log: Log
}): Promise<Workspace> {
  const { config, session, user, state, stages, log } = input
  const { controlPlaneUrl, token } = session
  await writeGitIdentity({ user, runDir: config.runDir, controlPlaneUrl, token, person: session.gitIdentity })
  const root = new Git(user, config.workspace)
  const from = restorable(session, state)
  const restore = from === null ? null : new Restore(session, from)
  const what = restore === null ? 'clone' : `checkpoint ${restore.from.n}:`
  const copies = await Promise.all(
    session.repositories.map((spec) =>
      stages.time(`${what} ${spec.name}`, () => prepareWorkingCopy(root, controlPlaneUrl, spec, log, restore)),
    ),
  )
  const primary = copies.find(({ spec }) => spec === primaryOf(session))
  if (primary === undefined) return { copies, specs: null, restored: null }
  const whole = state.specsWhole && restore === null
  const specs = await stages.time('specs worktree', () => prepareSpecsWorktree(primary.git, config.workspace, whole))
  state.setSpecsWhole()
  if (restore !== null)
    await stages.time(`checkpoint ${restore.from.n}: agent`, () => finish(restore, { session, state }, primary.git, specs, config))
  return { copies, specs, restored: restore }
}

/** Specs and agent; then the volume counts as what it was begun with. */
async function finish(
  restore: Restore,
  { session, state }: { session: SessionFile; state: State },
  primary: Git,
  specs: Git,
  config: Config,
): Promise<void> {
  await restore.specs(specs)
  await restore.agent(primary, join(config.workspace, '.agent', session.agentRuntime), session.agentRuntime)
  const { from, own, conversation } = restore
  if (conversation !== null) state.setAgentSession(session.agentRuntime, conversation)
  state.setRestored(nameOf(from), own ? { n: from.n, held: '', agent: from.agent?.commit ?? null } : null)
}

function primaryOf(session: SessionFile): SessionFile['repositories'][number] | undefined {
  return session.repositories.find(({ primary }) => primary) ?? session.repositories[0]
}
