import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

export interface ProcessPlan {
  name: string
  program: string
  args: string[]
  env: NodeJS.ProcessEnv
  logFile: string
  cwd: string
}

/** Units: milliseconds. A process that dies is started again after this long, doubled for each death within a minute. */
const firstDelayMs = 200
const longestDelayMs = 5000

/** Keeps one process running until it is stopped. Each runs in a process group of its own, so that Ctrl-C reaches only its supervisor. */
export class SupervisedProcess implements AsyncDisposable {
  readonly plan: ProcessPlan
  restarts = 0
  private child: ChildProcess | null = null
  private stopping = false
  private deaths: number[] = []
  private timer: NodeJS.Timeout | null = null
  private readonly onRestart: (name: string, how: string) => void

  constructor(plan: ProcessPlan, onRestart: (name: string, how: string) => void) {
    this.plan = plan
    this.onRestart = onRestart
    this.start()
  }

  get pid(): number | null {
    return this.child?.pid ?? null
  }

  private start(): void {
    const log = openSync(this.plan.logFile, 'a', 0o600)
    const child = spawn(this.plan.program, this.plan.args, {
      cwd: this.plan.cwd,
      env: this.plan.env,
      detached: true,
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    this.child = child
    child.once('error', (error) => this.ended(error.message))
    child.once('exit', (code, signal) => this.ended(signal ?? `code ${code}`))
  }

  private ended(how: string): void {
    if (this.child === null) return
    this.child = null
    if (this.stopping) return
    const now = Date.now()
    this.deaths = [...this.deaths.filter((at) => now - at < 60_000), now]
    const delay = Math.min(firstDelayMs * 2 ** (this.deaths.length - 1), longestDelayMs)
    this.restarts += 1
    this.onRestart(this.plan.name, how)
    this.timer = setTimeout(() => this.start(), delay)
  }

  /** For proofs: the process comes back by itself. */
  kill(signal: NodeJS.Signals): void {
    const pid = this.pid
    if (pid !== null) process.kill(-pid, signal)
  }

  /** Ends it for good: SIGTERM, and SIGKILL after `graceMs`. */
  async stop(graceMs = 15_000): Promise<void> {
    this.stopping = true
    if (this.timer) clearTimeout(this.timer)
    const child = this.child
    if (child === null || child.pid === undefined) return
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    child.kill('SIGTERM')
    const timer = setTimeout(() => this.kill('SIGKILL'), graceMs)
    await gone
    clearTimeout(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
