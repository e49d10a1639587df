import { statfs } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import type { HostLabels } from '@helix/contract/host-labels'
import type { HostCheck, HostReport } from '@helix/contract/link'
import type { Egress } from './egress/egress.ts'
import type { Engine, EngineInfo } from './engine/engine.ts'
import { type Footing, findFooting, type LadderInput, whyNotStronger } from './ladder/ladder.ts'
import { gaugesOf, type Reserves } from './pressure/gauges.ts'
import type { Gauge } from './pressure/levels.ts'
import { reasonOf } from './reason.ts'

/** Units: bytes of memory that count as room for one session, and sessions for each processor. */
const roomBytes = 2 * 1024 ** 3
const sessionsPerCpu = 4
/** Units: bytes that are free where the host keeps what it knows. */
const leastOwnBytes = 2 * 1024 ** 2

export interface MachineLimits {
  cpus: number
  memoryBytes: number
}

export interface MonitorInput extends LadderInput {
  capacity: number | undefined
  /** How often the engine's memory is given away. */
  memoryFactor: number
  hostLabels: HostLabels
  most: { memoryBytes: number | undefined; cpus: number | undefined }
  stateDir: string
  reserves: Reserves
  dockerHost: string
  egress: Pick<Egress, 'begin' | 'filtered'>
  allowUnfiltered: boolean
}

export type Condition = Pick<
  HostReport,
  | 'capacity'
  | 'rung'
  | 'innerDocker'
  | 'strongerRungs'
  | 'filtered'
  | 'freeDiskBytes'
  | 'problem'
  | 'memoryBytes'
  | 'roomBytes'
  | 'load'
  | 'labels'
>

/** What this host can do now. `check` looks again; until its first end nothing is possible. */
export class Monitor {
  private readonly input: MonitorInput
  private readonly engine: Engine
  private info: EngineInfo | null = null
  private found: Footing | null = null
  private freeDiskBytes = 0
  private problem: string | null = 'The sandbox host is starting.'

  constructor(input: MonitorInput) {
    this.input = input
    this.engine = input.engine
  }

  get condition(): Condition {
    const { found, problem, freeDiskBytes } = this
    return {
      capacity: this.capacity,
      rung: found?.name ?? 'unknown',
      innerDocker: found !== null && found.innerDocker !== 'none',
      strongerRungs: found === null ? null : whyNotStronger(found),
      filtered: this.input.egress.filtered,
      freeDiskBytes,
      problem: problem?.slice(0, 2000) ?? null,
      ...this.room(),
      load: Math.round(((loadavg()[0] ?? 0) / availableParallelism()) * 10) / 10,
    }
  }

  /** What is given away here, once the engine said what there is. */
  private room(): Pick<Condition, 'memoryBytes' | 'roomBytes' | 'labels'> {
    if (this.info === null) return {}
    const { memoryBytes } = this.largest
    const roomBytes = Math.floor(Math.max(this.info.memoryBytes * this.input.memoryFactor, memoryBytes))
    return { memoryBytes, roomBytes, labels: { arch: this.info.architecture, ...this.input.hostLabels } }
  }

  /** What can run out there; none while the engine is away. */
  async gauges(): Promise<Gauge[]> {
    return this.info === null ? [] : gaugesOf(this.info, this.input.reserves)
  }

  /** The engine answered at the last look. */
  get engineThere(): boolean {
    return this.info !== null
  }

  get checks(): HostCheck[] {
    const { problem } = this
    const text = (problem ?? 'Docker answers, and sessions can be started.').slice(0, 1000)
    return [{ name: 'docker', state: problem === null ? 'ok' : 'failed', text }]
  }

  get capacity(): number {
    if (this.input.capacity !== undefined) return this.input.capacity
    if (this.info === null) return 0
    return Math.max(1, Math.min(Math.floor(this.info.memoryBytes / roomBytes), this.info.cpus * sessionsPerCpu))
  }

  /** What is free where the engine keeps its data; null while it is not known, or is on another machine. */
  async free(): Promise<{ bytes: number; files: number } | null> {
    if (this.info === null) return null
    const stats = await statfs(this.info.dataRoot).catch(() => null)
    return stats === null ? null : { bytes: stats.bfree * stats.bsize, files: stats.ffree }
  }

  /** More than the engine has is refused by it, and more than the operator allows by us. */
  get largest(): MachineLimits {
    const { most } = this.input
    return {
      cpus: Math.min(most.cpus ?? Number.POSITIVE_INFINITY, this.info?.cpus ?? Number.POSITIVE_INFINITY),
      memoryBytes: Math.min(most.memoryBytes ?? Number.POSITIVE_INFINITY, this.info?.memoryBytes ?? Number.POSITIVE_INFINITY),
    }
  }

  /** Throws with the reason while no session can be started. */
  footing(): Footing {
    if (this.found === null) throw new Error(this.problem ?? 'The sandbox host is starting.')
    return this.found
  }

  /** Answers with whether the engine came back: it was not there at the look before. */
  async check(): Promise<{ cameBack: boolean }> {
    const before = this.problem
    const wasThere = this.info !== null
    this.problem = await this.look()
    if (this.problem !== before) {
      if (this.problem === null)
        this.input.log.info({ rung: this.found?.name, innerDocker: this.found?.innerDocker }, 'sessions can be started')
      else this.input.log.warn({ problem: this.problem }, 'sessions cannot be started')
    }
    return { cameBack: !wasThere && this.info !== null }
  }

  private async look(): Promise<string | null> {
    const { image, dockerHost } = this.input
    try {
      this.info = await this.engine.info()
    } catch (error) {
      this.info = null
      return `${reasonOf(error)}. Start Docker on this machine, or point DOCKER_HOST (now ${dockerHost}) at one that runs.`
    }
    try {
      if (!(await this.engine.hasImage(image))) {
        return `The session image ${image} is not on this engine: build it with "node sandbox/image/build.mjs", or name another in HELIX_SESSION_IMAGE.`
      }
      // Once in a boot: what the engine offers does not change under it.
      this.found ??= await findFooting(this.input, this.info)
    } catch (error) {
      return reasonOf(error)
    }
    const open = await this.input.egress.begin()
    if (open !== null && !this.input.allowUnfiltered) {
      return `${open}. Run this host as root on the machine of its engine, with nftables installed, or set HELIX_ALLOW_UNFILTERED_EGRESS=1 for development.`
    }
    // An engine elsewhere has a disk that is not seen from here.
    const stats = await statfs(this.info.dataRoot).catch(() => statfs(this.input.stateDir))
    this.freeDiskBytes = stats.bavail * stats.bsize
    const { stateDir } = this.input
    const own = await statfs(stateDir)
    // Without its ledgers on the disk it would not know after a restart what is whose.
    if (own.bavail * own.bsize < leastOwnBytes)
      return `The disk with this host's own folder ${stateDir} is full: make room there. Sessions that run go on.`
    return null
  }
}
