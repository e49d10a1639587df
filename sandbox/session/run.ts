import { type AgentUser, spawnAs } from './user.ts'

export interface RunOptions {
  cwd: string
  input?: string | Uint8Array
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

/** Units: bytes kept of each output stream. */
const kept = 256 * 1024

/** Runs a program of the agent’s user to its end. Any exit code is an answer; only a program that cannot start throws. */
export async function run(user: AgentUser, command: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const result = await runForBytes(user, command, args, { ...options, maxBytes: kept })
  return { ...result, stdout: result.stdout.toString('utf8') }
}

/** Like `run`, for output that is no text; `whole`: all of it was kept. */
export function runForBytes(
  user: AgentUser,
  command: string,
  args: readonly string[],
  options: RunOptions & { maxBytes: number },
): Promise<Omit<RunResult, 'stdout'> & { stdout: Buffer; whole: boolean }> {
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
    const stdout = collect(child.stdout, options.maxBytes)
    const stderr = collect(child.stderr, kept)
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (code) => {
      clearTimeout(timer)
      const said = stdout()
      resolve({ code, stdout: said.bytes, whole: said.whole, stderr: stderr().bytes.toString('utf8'), timedOut })
    })
    // A program may end before it has read everything; its exit code says what happened.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

function collect(stream: NodeJS.ReadableStream | null, most: number): () => { bytes: Buffer; whole: boolean } {
  const chunks: Buffer[] = []
  let size = 0
  let whole = true
  stream?.on('data', (chunk: Buffer) => {
    if (size < most) chunks.push(chunk)
    else whole = false
    size += chunk.length
  })
  return () => ({ bytes: Buffer.concat(chunks), whole })
}

/** Starts a program of the agent’s user that goes on by itself. Rejects when it cannot be started. */
export function spawnApart(
  user: AgentUser,
  command: string,
  args: readonly string[],
  options: Pick<RunOptions, 'cwd' | 'env'>,
): Promise<void> {
  const child = spawnAs(user, command, args, { ...options, stdio: 'ignore' })
  child.unref()
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
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
