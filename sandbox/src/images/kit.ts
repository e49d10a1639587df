import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ContainerSpec, Engine, Labels } from '../engine/engine.ts'
import { unless } from '../engine/failures.ts'
import { plainContainer } from '../engine/plain-container.ts'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'
import { cacheLabels, type Owner } from '../sessions/names.ts'

const home = '/opt/helix'
/** Units: milliseconds. */
const deadlineMs = 120_000
/** About what one takes. */
const size = { bytes: 220e6, files: 3000 }

export interface KitInput {
  engine: Engine
  owner: Owner
  /** The session image, which kits are made of. */
  image: string
  /** Of containers that make and read one. */
  labels: Labels
  log: Logger
}

/**
 * What a container needs whose image is not ours: the supervisor, its Node with loader and libraries, git, certificates. A read-only volume, made once for
 * each version of the session image.
 */
export class SessionKit implements Evictable {
  readonly name = 'kits for images of projects'
  private readonly input: KitInput
  private making: Promise<string> | null = null
  /** Known to be whole; a volume that somebody removed comes back with another time. */
  private whole: { volume: string; createdAt: number } | null = null

  constructor(input: KitInput) {
    this.input = input
  }

  /** The volume of the kit that belongs to the session image as it is now. */
  ensure(): Promise<string> {
    this.making ??= this.make().finally(() => {
      this.making = null
    })
    return this.making
  }

  private async make(): Promise<string> {
    const { engine, owner, image, log } = this.input
    const id = await engine.imageId(image)
    if (id === null) throw new Error(`The session image ${image} is not on this engine.`)
    const version = id.replace(/^sha256:/, '').slice(0, 12)
    const volume = `helix-${owner.installation}-kit-${version}`
    const found = await engine.findVolume(volume)
    if (found !== null && (await this.knowsWhole(volume, found.createdAt))) return volume
    const started = Date.now()
    await this.clear(volume)
    await engine.createVolume(volume, cacheLabels(owner, 'kit'))
    await this.fill(volume)
    await this.removeOthers(volume)
    log.info({ volume, durationMs: Date.now() - started }, 'the kit for images of projects is made')
    return volume
  }

  private async fill(volume: string): Promise<void> {
    const { engine } = this.input
    const spec = this.mounting(volume, false, [`${home}/node`, `${home}/make-kit.mjs`])
    const id = await engine.createContainer(spec)
    try {
      await engine.startContainer(id)
      const code = await engine.waitForExit(id, deadlineMs)
      if (code === 0) return
      throw new Error(`The kit for images of projects cannot be made: ${(await engine.tailOutput(id, 3)).trim() || `code ${code}`}`)
    } finally {
      await engine.removeContainer(id)
    }
  }

  private async knowsWhole(volume: string, createdAt: number): Promise<boolean> {
    if (this.whole?.volume === volume && this.whole.createdAt === createdAt) return true
    if (!(await this.isWhole(volume))) return false
    this.whole = { volume, createdAt }
    return true
  }

  /** A volume is read through a container that is never started. */
  private async isWhole(volume: string): Promise<boolean> {
    const { engine } = this.input
    const id = await engine.createContainer(this.mounting(volume, true, ['/bin/true']))
    try {
      return (await engine.readFile(id, '/kit/whole')) !== null
    } finally {
      await engine.removeContainer(id)
    }
  }

  private mounting(volume: string, readOnly: boolean, command: string[]): ContainerSpec {
    const { image, labels } = this.input
    const name = `${volume}-${Math.random().toString(36).slice(2, 8)}`
    return plainContainer({ name, image, labels, command, volumes: [{ volume, path: '/kit', readOnly }], memoryBytes: 1024 ** 3 })
  }

  /** Half a kit of a process that died. Its container may hold it for a moment. */
  private async clear(volume: string): Promise<void> {
    const { engine } = this.input
    for (let tries = 0; tries < 20; tries++) {
      await unless(['conflict'], engine.removeVolume(volume))
      if ((await engine.findVolume(volume)) === null) return
      await sleep(500)
    }
    throw new Error(`Half a kit cannot be removed: the volume ${volume} is in use.`)
  }

  /** Kits of earlier versions go unless a session still runs from one. */
  private async removeOthers(current: string | null): Promise<number> {
    const { engine, owner } = this.input
    const kits = (await engine.listVolumes(cacheLabels(owner, 'kit'))).filter(({ name }) => name !== current)
    let removed = 0
    for (const { name } of kits) {
      await unless(['conflict'], engine.removeVolume(name))
      if ((await engine.findVolume(name)) === null) removed++
    }
    return removed
  }

  /** Those that no session runs from; the next session that needs one makes it. */
  async evict(short: Gauge['what']): Promise<number> {
    if (short === 'memory' || this.making !== null) return 0
    return (await this.removeOthers(null)) * (short === 'disk' ? size.bytes : size.files)
  }
}

/** The container of a session whose image is not ours, with the kit in it. */
export function withKit(spec: ContainerSpec, kit: string): ContainerSpec {
  return {
    ...spec,
    command: [
      `${home}/tini`,
      '--',
      `${home}/node`,
      '--max-semi-space-size=1',
      '--max-old-space-size=192',
      '--optimize-for-size',
      `${home}/supervisor.mjs`,
    ],
    // The supervisor gives up its rights itself.
    user: '0:0',
    env: { ...spec.env, HELIX_SESSION_KIT: home, HELIX_SESSION_IMAGE: spec.image },
    volumes: [...spec.volumes, { volume: kit, path: home, readOnly: true }],
  }
}
