import { type AgentUser, spawnAs } from './user.ts'

export interface RunOptions {
  cwd: string
  input?: string
  env?: Record<string, string>
  timeoutMs: number
}

export interface RunResult {
  /** Null when it was killed. */
  code: number | null
  stdout: string
  stderr: string
  timedOut: boolean
}

/** Units: characters kept of each output stream. */
const kept = 256 * 1024

/** Runs a program of the agent’s user to its end. Any exit code is an answer; only a program that cannot start throws. */
export function run(user: AgentUser, command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawnAs(user, command, args, {
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.env && { env: options.env }),
    })
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      killGroup(child.pid, 'SIGKILL')
    }, options.timeoutMs)
    const stdout = collect(child.stdout)
    const stderr = collect(child.stderr)
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      resolve({ code, stdout: stdout(), stderr: stderr(), timedOut })
    })
    // A program may end before it has read everything; its exit code says what happened.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = ''
  stream?.setEncoding('utf8')
  stream?.on('data', (chunk: string) => {
    if (text.length < kept) text += chunk
  })
  return () => text
}

/** Signals a process group; a group that is gone is not an error. */
export function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
