import { constants } from 'node:os'
import { HelixError } from '@helix/contract/errors'
import { type ExecBody, type ExecResult, execMostBytes } from '@helix/contract/machine-use'
import { reasonOf } from '../log.ts'
import type { Redactor } from '../redactor.ts'
import { type AgentUser, shellOf, spawnAs } from '../user.ts'
import { killMarked, newMark } from './marked.ts'

/** How many run at once; more would starve the agent. */
const mostAtOnce = 32
/** As `timeout` of coreutils tells it. */
const outOfTime = 124

export interface Place {
  user: AgentUser
  cwd: string
  env: Record<string, string>
}

/** Commands of people, one shell each. */
export class Commands {
  private running = 0
  private readonly redactor: Redactor

  constructor(redactor: Redactor) {
    this.redactor = redactor
  }

  /** Any end of the command is an answer; `signal` ends it with all that it started. */
  async run({ user, cwd, env }: Place, body: ExecBody, signal: AbortSignal): Promise<ExecResult> {
    if (this.running >= mostAtOnce)
      throw new HelixError('rate_limited', `${mostAtOnce} commands run in this session already: wait until one ends.`)
    this.running++
    const started = performance.now()
    try {
      const mark = newMark()
      const [shell, ...options] = shellOf(user)
      const child = spawnAs(user, shell, [...options, '-c', body.command], {
        cwd,
        env: { ...env, ...mark },
        stdio: ['pipe', 'pipe', 'pipe'],
      })
      const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
      let late = false
      const kill = (): void => void killMarked(child.pid, mark)
      const timer = setTimeout(() => {
        late = true
        kill()
      }, body.timeoutMs)
      signal.addEventListener('abort', kill)
      const code = await new Promise<number>((resolve, reject) => {
        child.once('error', (error) => reject(new HelixError('conflict', `The command cannot be started: ${reasonOf(error)}`)))
        child.once('exit', (exit, by) => {
          // What it left behind and holds its streams must not hold the answer.
          setTimeout(() => child.stdout?.destroy(), 500)
          setTimeout(() => child.stderr?.destroy(), 500)
          child.once('close', () => resolve(exit ?? 128 + (by === null ? 0 : constants.signals[by])))
        })
        // A command may end before it has read everything.
        child.stdin?.on('error', () => undefined)
        child.stdin?.end(body.stdin ?? '')
      }).finally(() => {
        clearTimeout(timer)
        signal.removeEventListener('abort', kill)
      })
      return {
        exitCode: late ? outOfTime : code,
        stdout: this.redactor.text(stdout.text()),
        stderr: this.redactor.text(stderr.text()),
        truncated: stdout.truncated() || stderr.truncated(),
        durationMs: Math.round(performance.now() - started),
      }
    } finally {
      this.running--
    }
  }
}

function collect(stream: NodeJS.ReadableStream | null) {
  const chunks: Buffer[] = []
  let size = 0
  stream?.on('data', (chunk: Buffer) => {
    if (size < execMostBytes) chunks.push(chunk.subarray(0, execMostBytes - size))
    size += chunk.length
  })
  return { text: () => Buffer.concat(chunks).toString('utf8'), truncated: () => size > execMostBytes }
}
