import { chmod, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionFile } from '@helix/contract/link'
import { oldTables, translateAddresses } from './inner-network.ts'
import { type Log, reasonOf } from './log.ts'
import { killGroup } from './run.ts'
import type { Stages } from './stages.ts'
import { type AgentUser, giveTo, spawnAs } from './user.ts'

export const innerDockerSocket = '/run/docker.sock'
const deadlineMs = 20_000
/** Not the usual 172.17.0.1: under that address the session reaches the machine, and with it git and inference. */
const innerRange = '10.214.0.0/16'
const networks = ['--bip=10.214.0.1/24', '--default-address-pool=base=10.214.128.0/17,size=24']
const ownTables = ['--iptables=false', '--ip6tables=false']

export interface InnerDockerInput {
  kind: SessionFile['innerDocker']
  /** One that was started before there was a session; null: none was. */
  waited: Promise<Engine> | null
  user: AgentUser
  stages: Stages
  log: Log
  notice(text: string): void
}

/** The session's own Docker engine, where it has one. That it does not start is told; the session goes on without. */
export class InnerDocker {
  private readonly input: InnerDockerInput
  private engine: Engine | null = null
  private over = false
  /** Resolves when the engine is there, or will not be. */
  settled: Promise<void> = Promise.resolve()

  constructor(input: InnerDockerInput) {
    this.input = input
  }

  /** What whoever uses it is to have in the environment. */
  get environment(): Record<string, string> {
    return this.input.kind === 'none' ? {} : { DOCKER_HOST: `unix://${innerDockerSocket}` }
  }

  start(): void {
    if (this.input.kind !== 'none') this.settled = this.run()
  }

  stop(): void {
    this.over = true
    // What stands still hears no end.
    this.engine?.goOn()
    this.engine?.stop()
  }

  /** See `Engine`. */
  pause(): void {
    this.engine?.pause()
  }

  goOn(): void {
    this.engine?.goOn()
  }

  private async run(): Promise<void> {
    const { kind, waited, user, stages, log, notice } = this.input
    try {
      this.engine = await stages.time('inner docker', () => waited ?? startEngine(kind, user))
      // One that waited stands still.
      this.engine.goOn()
      if (this.over) this.engine.stop()
    } catch (error) {
      log.warn('no inner Docker', { reason: reasonOf(error) })
      notice(`Docker inside the session did not start: ${reasonOf(error)}`)
    }
  }
}

/** A running one. */
export interface Engine {
  stop(): void
  /** It changes nothing on its disk until `goOn`; its containers run. */
  pause(): void
  goOn(): void
}

/** Throws with the reason when it does not come up in time. */
export async function startEngine(kind: SessionFile['innerDocker'], user: AgentUser): Promise<Engine> {
  if (kind === 'gvisor') await translateAddresses(innerRange)
  const env = kind === 'gvisor' ? { PATH: `${await oldTables()}:${user.env.PATH}` } : {}
  const engine = spawnAs({ ...user, ids: null }, 'dockerd', dockerdArguments(kind), { stdio: ['ignore', 'ignore', 'pipe'], env })
  let said = ''
  let over: string | null = null
  engine.stderr?.setEncoding('utf8')
  engine.stderr?.on('data', (chunk: string) => {
    said = (said + chunk).slice(-1000)
  })
  engine.once('error', (error) => {
    over = reasonOf(error)
  })
  engine.once('exit', (code) => {
    over = `dockerd ended with code ${code}: ${said.trim().split('\n').at(-1) ?? ''}`
  })
  for (const end = Date.now() + deadlineMs; over === null && Date.now() < end; await sleep(100)) {
    if (!(await isThere(innerDockerSocket))) continue
    await giveTo(user, innerDockerSocket)
    await chmod(innerDockerSocket, 0o600)
    const signal = (name: NodeJS.Signals) => (): void => killGroup(engine.pid, name)
    return { stop: signal('SIGTERM'), pause: signal('SIGSTOP'), goOn: signal('SIGCONT') }
  }
  killGroup(engine.pid, 'SIGKILL')
  throw new Error(over ?? `dockerd was not ready in ${deadlineMs / 1000} s`)
}

function dockerdArguments(kind: SessionFile['innerDocker']): string[] {
  // Never without a host: the engine's default listens on TCP in some images.
  const host = [`--host=unix://${innerDockerSocket}`]
  const engine = [...host, ...networks]
  if (kind === 'gvisor') return [...engine, ...ownTables]
  return kind === 'rootless' ? ['--rootless', ...engine] : engine
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
