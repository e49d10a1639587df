import { setTimeout as sleep } from 'node:timers/promises'
import { type RunResult, run } from '../run.ts'
import type { AgentUser } from '../user.ts'

/** `unreachable`: try again later. `denied`: the control plane says no to who we are. `rejected`: the push lost to another, or is not allowed. */
export type GitFailureKind = 'unreachable' | 'denied' | 'rejected' | 'other'

export class GitFailure extends Error {
  override readonly name = 'GitFailure'
  readonly kind: GitFailureKind

  constructor(args: readonly string[], { code, stderr, timedOut }: RunResult) {
    const said = stderr.trim().split('\n').slice(-3).join(' ').slice(0, 1000)
    super(`git ${args[0]} ${timedOut ? 'took too long' : `ended with code ${code}`}: ${said}`)
    this.kind = timedOut ? 'unreachable' : kindOf(stderr)
  }
}

const signs: [GitFailureKind, RegExp][] = [
  [
    'denied',
    /Authentication failed|could not read (Username|Password)|error: 40[13]|returned error: 40[13]|repository '.*' not found|error: 404/i,
  ],
  ['rejected', /\[rejected\]|\[remote rejected\]|non-fast-forward|fetch first|stale info/i],
  [
    'unreachable',
    /Could not resolve|Failed to connect|Connection (refused|reset|timed out)|Couldn't connect|timed out|error: 5\d\d|Empty reply|early EOF|RPC failed|hung up|unexpected disconnect|Recv failure|Send failure|transfer closed/i,
  ],
]

function kindOf(stderr: string): GitFailureKind {
  return signs.find(([, sign]) => sign.test(stderr))?.[0] ?? 'other'
}

const localDeadlineMs = 120_000
const networkDeadlineMs = 600_000

/** Git in one folder, as the agent’s user. */
export class Git {
  private readonly user: AgentUser
  readonly folder: string

  constructor(user: AgentUser, folder: string) {
    this.user = user
    this.folder = folder
  }

  in(folder: string): Git {
    return new Git(this.user, folder)
  }

  /** Answers with the output; throws `GitFailure`. */
  async ask(...args: string[]): Promise<string> {
    const result = await this.run(args, localDeadlineMs)
    if (result.code !== 0) throw new GitFailure(args, result)
    return result.stdout.trim()
  }

  /** Answers with the output, or undefined when git says no. */
  async find(...args: string[]): Promise<string | undefined> {
    const result = await this.run(args, localDeadlineMs)
    return result.code === 0 ? result.stdout.replace(/\n$/, '') : undefined
  }

  /** Like `ask`, with text on its standard input. */
  async feed(input: string, ...args: string[]): Promise<string> {
    const result = await this.run(args, localDeadlineMs, input)
    if (result.code !== 0) throw new GitFailure(args, result)
    return result.stdout.trim()
  }

  /** A command that speaks to the control plane: tried again while that is out of reach, until the deadline. */
  async remote(args: readonly string[], deadlineMs: number): Promise<void> {
    const end = Date.now() + deadlineMs
    for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5000)) {
      const result = await this.run(args, Math.min(networkDeadlineMs, Math.max(1000, end - Date.now())))
      if (result.code === 0) return
      const failure = new GitFailure(args, result)
      if (failure.kind !== 'unreachable' || Date.now() + waitMs >= end) throw failure
      await sleep(waitMs * (0.75 + Math.random() / 2))
    }
  }

  /** Locks that a killed git left in this repository; only while no other git can run in it. */
  async removeStaleLocks(): Promise<void> {
    await run(this.user, 'find', [`${this.folder}/.git`, '-name', '*.lock', '-type', 'f', '-delete'], {
      cwd: this.folder,
      timeoutMs: localDeadlineMs,
    })
  }

  private run(args: readonly string[], timeoutMs: number, input?: string): Promise<RunResult> {
    // A stalled transfer ends by itself. Hooks are the agent's, and not for what Helix does.
    const settings = ['-c', 'http.lowSpeedLimit=1000', '-c', 'http.lowSpeedTime=60', '-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0']
    const env = { GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: 'true' }
    return run(this.user, 'git', [...settings, ...args], { cwd: this.folder, env, timeoutMs, ...(input !== undefined && { input }) })
  }
}
