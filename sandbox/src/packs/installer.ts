import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentRuntime } from '@helix/contract/agents'
import type { Logger } from 'pino'
import { archiveFolder, archiveOf } from '../engine/archive.ts'
import { type Engine, EngineError, type Labels } from '../engine/engine.ts'
import { unless } from '../engine/failures.ts'
import { plainContainer } from '../engine/plain-container.ts'
import { catalogue, packVolume } from './catalogue.ts'
import type { PackSource } from './npm.ts'

/** Written last: a volume without it is half filled. */
const marker = '.helix-pack.json'
const mountPath = '/opt/pack'
/** Units: milliseconds. Filling a volume takes seconds; a container that is older belongs to a host that died. */
const abandonedAfterMs = 600_000

/** Agent packs of this host's engine, one volume for each runtime and version, shared by all installations on the engine. */
export class PackInstaller {
  private readonly engine: Engine
  private readonly image: string
  private readonly source: PackSource
  readonly prefix: string
  private readonly labels: Labels
  private readonly log: Logger
  private readonly whole = new Map<AgentRuntime, number>()
  private readonly underWay = new Map<AgentRuntime, Promise<string>>()

  constructor(input: { engine: Engine; image: string; source: PackSource; prefix: string; labels: Labels; log: Logger }) {
    this.engine = input.engine
    this.image = input.image
    this.source = input.source
    this.prefix = input.prefix
    this.labels = input.labels
    this.log = input.log
  }

  /** Packs known to be whole. */
  list(): { runtime: AgentRuntime; version: string }[] {
    return [...this.whole.keys()].map((runtime) => ({ runtime, version: catalogue[runtime].version }))
  }

  /** Their volumes, by runtime. */
  volumes(): ReadonlyMap<AgentRuntime, string> {
    return new Map([...this.whole.keys()].map((runtime) => [runtime, packVolume(this.prefix, runtime)]))
  }

  /** Finds packs that earlier boots or other hosts of this engine installed. */
  async discover(): Promise<void> {
    for (const runtime of Object.keys(catalogue) as AgentRuntime[]) await this.isWhole(runtime)
  }

  /** The volume of a runtime's pack, installed by the first who asks; the others wait for the same. */
  async ensure(runtime: AgentRuntime): Promise<string> {
    const name = packVolume(this.prefix, runtime)
    const running = this.underWay.get(runtime)
    if (running !== undefined) return running
    // A volume that somebody removed would come back empty with the next container that mounts it.
    const known = this.whole.get(runtime)
    if (known !== undefined && (await this.engine.findVolume(name))?.createdAt === known) return name
    const again = this.underWay.get(runtime)
    if (again !== undefined) return again
    const install = this.install(runtime).finally(() => this.underWay.delete(runtime))
    this.underWay.set(runtime, install)
    return install
  }

  private async install(runtime: AgentRuntime): Promise<string> {
    const volume = packVolume(this.prefix, runtime)
    if (await this.isWhole(runtime)) return volume
    const started = Date.now()
    const folder = await mkdtemp(join(tmpdir(), 'helix-pack-'))
    try {
      const { architecture } = await this.engine.info()
      this.log.info({ ...catalogue[runtime] }, 'installing an agent pack')
      await this.source.install(catalogue[runtime], architecture, folder)
      this.log.info({ volume, durationMs: Date.now() - started }, 'agent pack fetched, filling its volume')
      await this.publish(runtime, folder)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    this.log.info({ volume, durationMs: Date.now() - started }, 'agent pack is ready')
    return volume
  }

  /** The container's name is the lock: Docker gives it once. */
  private async publish(runtime: AgentRuntime, folder: string): Promise<void> {
    const name = packVolume(this.prefix, runtime)
    for (;;) {
      const filling = await this.engine.inspectContainer(`${name}-fill`)
      if (filling !== null && !this.isAbandoned(filling)) {
        await sleep(1000)
        continue
      }
      if (filling !== null) await this.engine.removeContainer(filling.id)
      if (await this.isWhole(runtime)) return
      // In use: another host took the place between two looks.
      await unless(['conflict'], this.engine.removeVolume(name))
      await this.engine.createVolume(name, { 'helix.pack': name })
      if (await this.fill(runtime, folder)) return
    }
  }

  private isAbandoned({ labels, createdAt }: { labels: Labels; createdAt: number }): boolean {
    const ours = labels['helix.host'] === this.labels['helix.host'] && labels['helix.boot'] !== this.labels['helix.boot']
    return ours || Date.now() - createdAt > abandonedAfterMs
  }

  /** False when another host holds the place. */
  private async fill(runtime: AgentRuntime, folder: string): Promise<boolean> {
    const volume = packVolume(this.prefix, runtime)
    const id = await unless(['conflict'], this.engine.createContainer(this.mounting(volume, `${volume}-fill`, false)))
    if (id === null) return false
    try {
      await this.engine.putArchive(id, mountPath, archiveFolder(folder))
      const content = JSON.stringify({ runtime, ...catalogue[runtime] })
      await this.engine.putArchive(id, mountPath, await archiveOf([{ path: marker, content, mode: 0o444 }]))
    } finally {
      await this.engine.removeContainer(id)
    }
    if (!(await this.isWhole(runtime))) throw new EngineError('failed', `the volume ${volume} was removed while it was filled`)
    return true
  }

  private async isWhole(runtime: AgentRuntime): Promise<boolean> {
    const name = packVolume(this.prefix, runtime)
    const volume = await this.engine.findVolume(name)
    this.whole.delete(runtime)
    if (volume === null) return false
    // Files of a volume are read through a container that is never started.
    const id = await this.engine.createContainer(
      this.mounting(name, `${name}-look-${this.labels['helix.boot']}-${Date.now().toString(36)}`, true),
    )
    try {
      if ((await this.engine.readFile(id, `${mountPath}/${marker}`)) === null) return false
    } finally {
      await this.engine.removeContainer(id)
    }
    this.whole.set(runtime, volume.createdAt)
    return true
  }

  private mounting(volume: string, name: string, readOnly: boolean) {
    const labels = { ...this.labels, 'helix.pack': volume }
    return plainContainer({ name, image: this.image, labels, volumes: [{ volume, path: mountPath, readOnly }] })
  }
}
