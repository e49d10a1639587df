import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { StackConfig } from '../config.ts'
import { bridgeAddress, endOrphans, removeContainers } from './leftovers.ts'
import { takeLock } from './lock.ts'
import { type ProcessName, processNames, processPlans } from './plans.ts'
import { freePort, requireFree } from './ports.ts'
import { SupervisedProcess } from './process.ts'
import { keepSecrets, type Secrets } from './secrets.ts'

/** A running installation: Temporal, control plane, worker and sandbox host under one supervisor. */
export class Stack implements AsyncDisposable {
  readonly config: StackConfig
  readonly secrets: Secrets
  readonly processes = new Map<ProcessName, SupervisedProcess>()
  private readonly lock: Disposable

  private constructor(config: StackConfig, secrets: Secrets, lock: Disposable) {
    this.config = config
    this.secrets = secrets
    this.lock = lock
  }

  /** Starts every process at once: each waits by itself for what it needs. `note` hears of restarts. */
  static async start(config: StackConfig, note: (text: string) => void): Promise<Stack> {
    const lock = takeLock(config.dataDir)
    try {
      const orphans = endOrphans(config.dataDir)
      if (orphans > 0) note(`ended ${orphans} processes that a killed start had left`)
      await requireFree(config.port, '127.0.0.1', 'PORT')
      if (config.temporalBinary !== null) {
        await requireFree(config.temporalPort, '127.0.0.1', 'TEMPORAL_PORT')
        await requireFree(config.temporalUiPort, '127.0.0.1', 'TEMPORAL_UI_PORT')
      }
      await requireFree(config.metricsPort, '127.0.0.1', 'METRICS_PORT')
      mkdirSync(join(config.dataDir, 'logs'), { recursive: true, mode: 0o700 })
      const stack = new Stack(config, keepSecrets(config.dataDir), lock)
      const streamPort = config.streamPort === 0 ? await freePort() : config.streamPort
      const plans = processPlans({ ...config, streamPort }, stack.secrets, await bridgeAddress())
      for (const name of processNames) {
        const plan = plans[name]
        const restarted = (who: string, how: string): void => note(`${who} ended (${how}); starting it again, see ${plan?.logFile}`)
        if (plan !== null) stack.processes.set(name, new SupervisedProcess(plan, restarted))
      }
      return stack
    } catch (error) {
      lock[Symbol.dispose]()
      throw error
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.config.port}`
  }

  /** Resolves when `/readyz` answers 200; rejects after `deadlineMs` with what it said last and where the log is. */
  async ready(deadlineMs = 120_000): Promise<void> {
    const end = Date.now() + deadlineMs
    let said = 'nothing answers'
    while (Date.now() < end) {
      try {
        const response = await fetch(`${this.url}/readyz`, { signal: AbortSignal.timeout(3000) })
        if (response.ok) return
        said = (await response.text()).slice(0, 500)
      } catch (error) {
        said = error instanceof Error ? error.message : String(error)
      }
      if ((this.processes.get('control-plane')?.restarts ?? 0) > 3) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`the control plane is not ready: ${said}\n${this.lastLines('control-plane')}`)
  }

  /** The end of a process's log, for a reason in the terminal. */
  lastLines(name: ProcessName, lines = 8): string {
    const file = this.processes.get(name)?.plan.logFile
    return file === undefined ? '' : readFileSync(file, 'utf8').trim().split('\n').slice(-lines).join('\n')
  }

  process(name: ProcessName): SupervisedProcess {
    const found = this.processes.get(name)
    if (found === undefined) throw new Error(`${name} is not run by this stack`)
    return found
  }

  /** Ends the processes in the order in which they need each other, then what they left on the Docker engine. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await Promise.all((['sandbox-host', 'worker'] as const).map((name) => this.processes.get(name)?.stop()))
      await this.processes.get('control-plane')?.stop()
      await this.processes.get('temporal')?.stop()
      if ((await bridgeAddress()) !== null) await removeContainers(this.secrets.installation)
    } finally {
      this.lock[Symbol.dispose]()
    }
  }
}
