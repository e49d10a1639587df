import { Readable } from 'node:stream'
import Docker, { type ContainerInfo } from 'dockerode'
import { firstFileOf } from './archive.ts'
import { containerOptions } from './container-options.ts'
import {
  type ContainerSpec,
  type ContainerState,
  type ContainerSummary,
  type Engine,
  EngineError,
  type EngineInfo,
  type ImageLogin,
  type ImageSummary,
  type Labels,
  type Network,
  type PullProgress,
  type Volume,
} from './engine.ts'
import { unless, within } from './failures.ts'
import { pull } from './pull.ts'

/** Units: milliseconds. */
const shortMs = 15_000
const longMs = 60_000
const archiveMs = 600_000
const pullMs = 1_200_000

const architectures: Record<string, string> = { x86_64: 'x64', amd64: 'x64', aarch64: 'arm64', arm64: 'arm64' }

const filtersOf = (labels: Labels): string => JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) })

function optionsOf(host: string): Docker.DockerOptions {
  const [, scheme = '', rest = ''] = /^(\w+):\/\/(.+)$/.exec(host) ?? []
  if (scheme === 'unix' || scheme === 'npipe') return { socketPath: rest }
  // Certificates of a TLS engine come from DOCKER_CERT_PATH, which the client reads itself.
  const url = new URL(`http://${rest}`)
  return { host: url.hostname, port: url.port || '2375', ...(url.port === '2376' ? { protocol: 'https' as const } : {}) }
}

/** The Docker Engine API, from version 1.41 on (Docker 20.10). */
export class DockerEngine implements Engine {
  private readonly docker: Docker

  /** `host`: as in `DOCKER_HOST`. */
  constructor(host: string) {
    this.docker = new Docker(optionsOf(host))
  }

  async info(): Promise<EngineInfo> {
    const info = await within('say what it is', shortMs, () => this.docker.info())
    return {
      runtimes: Object.keys(info.Runtimes ?? {}),
      usernsRemap: (info.SecurityOptions ?? []).some((option: string) => option === 'name=userns'),
      cpus: info.NCPU,
      memoryBytes: info.MemTotal,
      architecture: architectures[info.Architecture] ?? info.Architecture,
      dataRoot: info.DockerRootDir,
    }
  }

  async hasImage(image: string): Promise<boolean> {
    return (await this.imageId(image)) !== null
  }

  async imageId(image: string): Promise<string | null> {
    const look = within(`look for the image ${image}`, shortMs, () => this.docker.getImage(image).inspect())
    return (await unless(['missing'], look))?.Id ?? null
  }

  async pullImage(image: string, login: ImageLogin | null, progress: (done: PullProgress) => void, signal: AbortSignal): Promise<void> {
    await within(`fetch the image ${image}`, pullMs, () => pull(this.docker, { image, login }, progress, signal))
  }

  async listImages(label?: string): Promise<ImageSummary[]> {
    const filters = label === undefined ? {} : { filters: JSON.stringify({ label: [label] }) }
    const images = await within('list images', shortMs, () => this.docker.listImages(filters))
    return images.map(({ Id, RepoTags, RepoDigests, Size, Created }) => ({
      id: Id,
      names: [...(RepoTags ?? []), ...(RepoDigests ?? [])].filter((name) => !name.startsWith('<none>') && !name.endsWith('@<none>')),
      bytes: Size,
      createdAt: Created * 1000,
    }))
  }

  async removeImage(image: string): Promise<void> {
    await unless(
      ['missing'],
      within(`remove the image ${image}`, longMs, () => this.docker.getImage(image).remove()),
    )
  }

  async createContainer(spec: ContainerSpec): Promise<string> {
    const made = await within(`create the container ${spec.name}`, longMs, () => this.docker.createContainer(containerOptions(spec)))
    return made.id
  }

  async startContainer(id: string): Promise<void> {
    await within('start the container', longMs, () => this.docker.getContainer(id).start())
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const stop = within('stop the container', longMs + graceSeconds * 1000, async () => {
      await this.docker
        .getContainer(id)
        .stop({ t: graceSeconds })
        .catch((error: { statusCode?: number }) => {
          // Docker answers 304 for one that is stopped already.
          if (error.statusCode !== 304) throw error
        })
    })
    await unless(['missing'], stop)
  }

  async killContainer(id: string): Promise<void> {
    await unless(
      ['missing', 'conflict'],
      within('kill the container', longMs, () => this.docker.getContainer(id).kill()),
    )
  }

  async pauseContainer(id: string): Promise<void> {
    await within('pause the container', shortMs, () => this.docker.getContainer(id).pause())
  }

  async unpauseContainer(id: string): Promise<void> {
    const go = within('let the container go on', shortMs, () => this.docker.getContainer(id).unpause())
    await go.catch((error: unknown) => {
      if (!(error instanceof EngineError) || !/is not paused/.test(error.message)) throw error
    })
  }

  async renameContainer(id: string, name: string): Promise<void> {
    await within('rename the container', shortMs, () => this.docker.getContainer(id).rename({ name }))
  }

  async removeContainer(id: string): Promise<void> {
    // gVisor's paused containers do not hear the signal that ends them: Docker waits ten seconds for it, and gives up.
    await this.unpauseContainer(id).catch(() => undefined)
    const remove = within('remove the container', longMs, () => this.docker.getContainer(id).remove({ force: true, v: true }))
    // A conflict is a removal that is under way.
    if ((await unless(['missing', 'conflict'], remove)) !== null) return
    await unless(
      ['missing'],
      within('remove the container', longMs, () => this.docker.getContainer(id).wait({ condition: 'removed' })),
    )
  }

  async inspectContainer(id: string): Promise<(ContainerState & ContainerSummary) | null> {
    const look = within('look at the container', shortMs, () => this.docker.getContainer(id).inspect())
    const found = await unless(['missing'], look)
    if (found === null) return null
    return {
      id: found.Id,
      name: found.Name.replace(/^\//, ''),
      image: found.Config.Image,
      labels: found.Config.Labels ?? {},
      createdAt: Date.parse(found.Created),
      running: found.State.Running && !found.State.Dead,
      exitCode: found.State.ExitCode,
      outOfMemory: found.State.OOMKilled,
      address: addressOf(found),
    }
  }

  async listContainers(labels: Labels): Promise<ContainerSummary[]> {
    const list = () => this.docker.listContainers({ all: true, filters: filtersOf(labels) })
    return (await within('list containers', shortMs, list)).map(summaryOf)
  }

  async waitForExit(id: string, deadlineMs: number): Promise<number | null> {
    const abort = AbortSignal.timeout(deadlineMs)
    const wait = within('wait for the container', deadlineMs + shortMs, () => this.docker.getContainer(id).wait({ abortSignal: abort }))
    try {
      return ((await wait) as { StatusCode: number }).StatusCode
    } catch (error) {
      if (abort.aborted) return null
      throw error
    }
  }

  async tailOutput(id: string, lines: number): Promise<string> {
    const read = () => this.docker.getContainer(id).logs({ stdout: true, stderr: true, tail: lines })
    const output = await unless(['missing'], within('read the output of the container', shortMs, read))
    // Each chunk stands behind a header of 8 bytes that says which stream it is of.
    return output === null ? '' : output.toString('utf8').replace(/[\u0000-\u0002]\u0000{3}[\s\S]{4}/g, '')
  }

  async putArchive(id: string, path: string, archive: Buffer | Readable): Promise<void> {
    // The client pipes a stream and leaves its failure to its owner: half an archive must not count as a whole one.
    const abort = new AbortController()
    if (archive instanceof Readable) archive.once('error', (error) => abort.abort(error))
    const put = () => this.docker.getContainer(id).putArchive(archive, { path, abortSignal: abort.signal })
    try {
      await within('put files into the container', archiveMs, put)
    } catch (error) {
      throw abort.signal.aborted ? abort.signal.reason : error
    }
  }

  async readFile(id: string, path: string): Promise<Buffer | null> {
    const read = within('read a file of the container', shortMs, async () =>
      firstFileOf((await this.docker.getContainer(id).getArchive({ path })) as Readable),
    )
    return unless(['missing'], read)
  }

  async usedMemory(id: string): Promise<number | null> {
    // Without it the engine waits for a second look, to tell the processors' use.
    const options = { stream: false as const, 'one-shot': true }
    const look = within('look at the memory of the container', shortMs, () => this.docker.getContainer(id).stats(options))
    const { usage, stats } = (await unless(['missing'], look))?.memory_stats ?? {}
    // Pages of files that nobody needs are given back when somebody else needs them.
    const spare = stats as { inactive_file?: number; total_inactive_file?: number } | undefined
    return usage === undefined ? null : usage - (spare?.total_inactive_file ?? spare?.inactive_file ?? 0)
  }

  async writtenFolders(id: string): Promise<string[]> {
    const look = within('look at the container', shortMs, () => this.docker.getContainer(id).inspect())
    const found = await unless(['missing'], look)
    if (found === null) return []
    const volumes = found.Mounts.filter(({ RW, Type }) => RW && Type === 'volume').map(({ Source }) => Source)
    // The client's types know one storage driver only.
    const { UpperDir: layer } = (found.GraphDriver?.Data ?? {}) as { UpperDir?: string }
    return layer === undefined ? volumes : [layer, ...volumes]
  }

  async createNetwork({ name, subnet, labels, link }: { name: string; subnet: string; labels: Labels; link: string }): Promise<void> {
    const options = {
      Name: name,
      Driver: 'bridge',
      CheckDuplicate: true,
      Labels: labels,
      Options: { 'com.docker.network.bridge.name': link },
      IPAM: { Driver: 'default', Config: [{ Subnet: subnet }] },
    }
    await within(`create the network ${name}`, longMs, () => this.docker.createNetwork(options))
  }

  async listNetworks(): Promise<Network[]> {
    const networks = await within('list networks', shortMs, () => this.docker.listNetworks())
    return networks.map((network) => ({
      id: network.Id,
      name: network.Name,
      labels: network.Labels ?? {},
      subnets: (network.IPAM?.Config ?? []).flatMap(({ Subnet }) => (Subnet === undefined ? [] : [Subnet])),
      createdAt: Date.parse(network.Created),
    }))
  }

  async removeNetwork(id: string): Promise<void> {
    await unless(
      ['missing'],
      within('remove the network', longMs, () => this.docker.getNetwork(id).remove()),
    )
  }

  async createVolume(name: string, labels: Labels): Promise<void> {
    await within(`create the volume ${name}`, shortMs, () => this.docker.createVolume({ Name: name, Labels: labels }))
  }

  async findVolume(name: string): Promise<Volume | null> {
    const look = within(`look for the volume ${name}`, shortMs, () => this.docker.getVolume(name).inspect())
    const found = await unless(['missing'], look)
    return found === null ? null : volumeOf(found)
  }

  async listVolumes(labels: Labels): Promise<Volume[]> {
    const { Volumes } = await within('list volumes', shortMs, () => this.docker.listVolumes({ filters: filtersOf(labels) }))
    return (Volumes ?? []).map(volumeOf)
  }

  async removeVolume(name: string): Promise<void> {
    await unless(
      ['missing'],
      within(`remove the volume ${name}`, longMs, () => this.docker.getVolume(name).remove()),
    )
  }
}

function addressOf({ NetworkSettings, State }: Docker.ContainerInspectInfo): string | null {
  if (!State.Running) return null
  const [exposed, published] = Object.entries(NetworkSettings.Ports ?? {})[0] ?? []
  const port = exposed?.split('/')[0]
  if (published?.[0] !== undefined) return `127.0.0.1:${published[0].HostPort}`
  const ip = Object.values(NetworkSettings.Networks)[0]?.IPAddress
  return ip && port ? `${ip}:${port}` : null
}

function summaryOf(info: ContainerInfo): ContainerSummary {
  const { Id, Names, Image, Labels, State, Created } = info
  return {
    id: Id,
    name: Names[0]?.replace(/^\//, '') ?? '',
    image: Image,
    labels: Labels,
    running: State === 'running',
    createdAt: Created * 1000,
  }
}

function volumeOf({ Name, Labels, Mountpoint, ...rest }: Docker.VolumeInspectInfo & { CreatedAt?: string }): Volume {
  return { name: Name, folder: Mountpoint, labels: Labels ?? {}, createdAt: rest.CreatedAt === undefined ? 0 : Date.parse(rest.CreatedAt) }
}
