import { setTimeout as sleep } from 'node:timers/promises'
import { type RunResult, run, runForBytes } from '../run.ts'
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

/** A stalled transfer ends by itself. Hooks are the agent's, and not for what Helix does. */
const settings = ['-c', 'http.lowSpeedLimit=1000', '-c', 'http.lowSpeedTime=60', '-c', 'core.hooksPath=/dev/null', '-c', 'gc.auto=0']
const localDeadlineMs = 120_000
const networkDeadlineMs = 600_000

/** Git in one folder, as the agent’s user. */
export class Git {
  private readonly user: AgentUser
  private readonly env: Record<string, string>
  readonly folder: string

  constructor(user: AgentUser, folder: string, env: Record<string, string> = {}) {
    this.user = user
    this.folder = folder
    this.env = env
  }

  in(folder: string): Git {
    return new Git(this.user, folder)
  }

  /** The same with more variables, another index for one. */
  with(env: Record<string, string>): Git {
    return new Git(this.user, this.folder, { ...this.env, ...env })
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

  /** Like `ask`, for output that is no text, or longer than one; throws too when it has more bytes than this. */
  async bytes(maxBytes: number, ...args: string[]): Promise<Buffer> {
    const options = { cwd: this.folder, env: this.variables, timeoutMs: localDeadlineMs, maxBytes }
    const result = await runForBytes(this.user, 'git', [...settings, ...args], options)
    if (result.code !== 0) throw new GitFailure(args, { ...result, stdout: '' })
    if (!result.whole) throw new Error(`git ${args[0]} says more than ${maxBytes} bytes`)
    return result.stdout
  }

  /** Like `feed`, where exit code 1 means that it was done in part: answers with what it complained of. */
  async feedLeniently(input: Uint8Array, ...args: string[]): Promise<string> {
    const result = await this.run(args, localDeadlineMs, input)
    if (result.code !== 0 && result.code !== 1) throw new GitFailure(args, result)
    return result.code === 0 ? '' : result.stderr
  }

  /** Like `ask`, with text on its standard input. */
  async feed(input: string | Uint8Array, ...args: string[]): Promise<string> {
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

  /** Any program in this folder, as the same user; answers whether it went well. */
  async shell(command: string, ...args: string[]): Promise<boolean> {
    return (await run(this.user, command, args, { cwd: this.folder, timeoutMs: localDeadlineMs })).code === 0
  }

  /** Locks that a killed git left in this repository; only while no other git can run in it. */
  async removeStaleLocks(): Promise<void> {
    await run(this.user, 'find', [`${this.folder}/.git`, '-name', '*.lock', '-type', 'f', '-delete'], {
      cwd: this.folder,
      timeoutMs: localDeadlineMs,
    })
  }

  private get variables(): Record<string, string> {
    return { GIT_TERMINAL_PROMPT: '0', GIT_EDITOR: 'true', ...this.env }
  }

  private run(args: readonly string[], timeoutMs: number, input?: string | Uint8Array): Promise<RunResult> {
    const options = { cwd: this.folder, env: this.variables, timeoutMs, ...(input !== undefined && { input }) }
    return run(this.user, 'git', [...settings, ...args], options)
  }
}
