import type { ChildProcess, StdioOptions } from 'node:child_process'
import { type Log, reasonOf } from '../log.ts'
import { killGroup } from '../run.ts'
import { type AgentUser, spawnAs } from '../user.ts'

/** Units: milliseconds. */
const firstDelayMs = 100
const longestDelayMs = 3000
/** A program that ran so long did not fail at its start. */
const soundMs = 20_000
const mostFailures = 6
/** Units: characters of its standard error. */
const keptWords = 300

export interface KeptInput {
  name: string
  user: AgentUser
  cwd: string
  command: string
  args: readonly string[]
  env: Record<string, string>
  log: Log
  stdio?: StdioOptions
  /** Just before each start. */
  prepare?(): void
  /** Each time it is started. */
  began?(child: ChildProcess): void
  ended?(): void
  /** It failed too often in a row and is not started again by itself. */
  gaveUp?(reason: string): void
}

/** A program that is started again when it ends, a bounded number of times. */
export class Kept {
  private readonly input: KeptInput
  private child: ChildProcess | null = null
  private wanted = false
  private failures = 0
  private timer: NodeJS.Timeout | undefined
  /** How often it was started. */
  starts = 0

  constructor(input: KeptInput) {
    this.input = input
  }

  get pid(): number | null {
    return this.child?.pid ?? null
  }

  /** Running already is not an error; earlier failures are forgotten. */
  start(): void {
    this.wanted = true
    this.failures = 0
    if (this.child === null) this.launch()
  }

  /** Ends it, and it stays so until `start`. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.wanted = false
    clearTimeout(this.timer)
    killGroup(this.pid ?? undefined, signal)
  }

  signal(name: NodeJS.Signals): void {
    if (this.child !== null) killGroup(this.child.pid, name)
  }

  private launch(): void {
    clearTimeout(this.timer)
    const { user, cwd, command, args, env, stdio, log, name, prepare, began } = this.input
    prepare?.()
    const child = spawnAs(user, command, args, { cwd, env, stdio: stdio ?? ['ignore', 'ignore', 'pipe'] })
    const startedAt = performance.now()
    this.child = child
    this.starts++
    let words = ''
    child.stderr?.setEncoding('utf8')
    child.stderr?.on('data', (chunk: string) => (words = (words + chunk).slice(-keptWords)))
    let over = false
    const ended = (how: string): void => {
      if (over) return
      over = true
      this.child = null
      this.input.ended?.()
      if (!this.wanted) return
      const reason = `${name} ${how}${words.trim() === '' ? '' : `: ${words.trim().split('\n').at(-1)}`}`
      log.warn('a program of the desktop ended', { reason })
      this.again(performance.now() - startedAt > soundMs, reason)
    }
    child.once('error', (error) => ended(`cannot be started (${reasonOf(error)})`))
    child.once('exit', (code, by) => ended(by === null ? `ended with code ${code}` : `was ended by ${by}`))
    began?.(child)
  }

  private again(sound: boolean, reason: string): void {
    this.failures = sound ? 1 : this.failures + 1
    if (this.failures > mostFailures) {
      this.wanted = false
      this.input.gaveUp?.(reason)
      return
    }
    const delay = Math.min(firstDelayMs * 2 ** (this.failures - 1), longestDelayMs)
    this.timer = setTimeout(() => this.launch(), delay)
  }
}
