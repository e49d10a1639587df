import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { type GitSettings, gitEnvironment, protectiveConfig } from './environment.ts'

export interface RunOptions {
  /** The bare repository; absent for commands that need none. */
  gitDir?: string
  input?: string | Buffer
  env?: Record<string, string>
  /** Units: bytes of standard output; what exceeds it is dropped, git is stopped and `truncated` is set. */
  maxBytes?: number
  deadlineMs?: number
  /** Exit codes that are answers; others throw. */
  codes?: readonly number[]
  /** Ends git early, with this reason. */
  signal?: AbortSignal
}

export interface GitOutput {
  code: number
  stdout: Buffer
  truncated: boolean
}

/** git ended with an exit code nobody expected, or was stopped. `stderr` is short and may be shown once secrets are taken out. */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly code: number | null
  readonly stderr: string
  constructor(command: string, code: number | null, stderr: string) {
    super(`git ${command} failed${code === null ? '' : ` with code ${code}`}: ${stderr.trim() || 'no reason given'}`)
    this.code = code
    this.stderr = stderr.trim()
  }
}

export type Git = (args: readonly string[], options?: RunOptions) => Promise<GitOutput>
export type GitProcess = ChildProcessByStdio<Writable, Readable, Readable>

const stderrLimit = 4096

/** Collects the end of standard error, where git says why. */
export function tailOf(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-stderrLimit)
  })
  return () => text
}

/** Ends the process and everything it started. Already gone is not an error. */
export function killGroup(child: { pid?: number | undefined }, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Starts git as the leader of its own process group, with our configuration and environment only. */
export function startGit(settings: GitSettings, args: readonly string[], env: Record<string, string> = {}): GitProcess {
  return spawn('git', [...protectiveConfig(settings), ...args], {
    env: gitEnvironment(settings, env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
}

/** Runs git to its end and collects bounded output. */
export function createGitRunner(settings: GitSettings): Git {
  return (args, options = {}) => {
    const gitDir = options.gitDir === undefined ? [] : [`--git-dir=${options.gitDir}`]
    const child = startGit(settings, [...gitDir, ...args], options.env)
    return collect(child, args[0] ?? '', options)
  }
}

function collect(child: GitProcess, command: string, options: RunOptions): Promise<GitOutput> {
  const { maxBytes = 8 * 1024 * 1024, deadlineMs = 60_000, codes = [0], signal } = options
  const stderr = tailOf(child.stderr)
  const chunks: Buffer[] = []
  let size = 0
  let stopped: 'truncated' | 'deadline' | 'aborted' | null = null
  const stop = (why: 'truncated' | 'deadline' | 'aborted') => {
    stopped ??= why
    killGroup(child, 'SIGKILL')
  }
  const timer = setTimeout(() => stop('deadline'), deadlineMs)
  const onAbort = () => stop('aborted')
  signal?.addEventListener('abort', onAbort, { once: true })
  child.stdout.on('data', (chunk: Buffer) => {
    if (size < maxBytes) chunks.push(chunk.subarray(0, maxBytes - size))
    size += chunk.length
    if (size > maxBytes) stop('truncated')
  })
  // git may end before it read everything: its exit code says what that means.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input)
  return new Promise<GitOutput>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (stopped === 'truncated') return resolve({ code: 0, stdout: Buffer.concat(chunks), truncated: true })
      if (stopped === 'deadline') return reject(new GitError(command, null, `no end within ${deadlineMs / 1000} s`))
      if (stopped === 'aborted') return reject(new GitError(command, null, String(signal?.reason ?? 'stopped')))
      if (code === null || !codes.includes(code)) return reject(new GitError(command, code, stderr()))
      resolve({ code, stdout: Buffer.concat(chunks), truncated: false })
    })
  }).finally(() => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  })
}
