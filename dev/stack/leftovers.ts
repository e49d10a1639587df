import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Docker from 'dockerode'
import { bridgePrefix } from '../../sandbox/src/sessions/names.ts'

const label = (installation: string): string => JSON.stringify({ label: [`helix.installation=${installation}`] })

/** Removes the containers and networks of an installation. Its volumes stay: they hold the work of sessions that go on at the next start. */
export async function removeContainers(installation: string): Promise<{ containers: number; networks: number }> {
  const docker = new Docker()
  const filters = label(installation)
  const containers = await docker.listContainers({ all: true, filters })
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true })))
  const networks = await docker.listNetworks({ filters })
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove()))
  return { containers: containers.length, networks: networks.length }
}

/** Everything of an installation, volumes too: for scratch installations. Agent packs carry no installation label and stay. */
export async function removeEverything(installation: string): Promise<void> {
  await removeContainers(installation)
  const docker = new Docker()
  const { Volumes } = await docker.listVolumes({ filters: label(installation) })
  await Promise.all((Volumes ?? []).map(({ Name }) => docker.getVolume(Name).remove({ force: true })))
}

/** The packet filter of the host whose state is in the folder; it outlives its process, because containers do. */
export function removeFilter(dataDir: string, installation: string): void {
  const file = join(dataDir, 'host/id')
  if (!existsSync(file)) return
  const hostId = readFileSync(file, 'utf8').trim()
  // Fails where there is none: no nftables, or no right to it.
  spawnSync('nft', ['delete', 'table', 'inet', `helix_${bridgePrefix({ installation, hostId })}`], { stdio: 'ignore' })
}

/** What is left of an installation on the engine: proofs ask for zero. */
export async function countLeftovers(installation: string): Promise<{ containers: number; networks: number; volumes: number }> {
  const docker = new Docker()
  const filters = label(installation)
  const [containers, networks, volumes] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
  ])
  return { containers: containers.length, networks: networks.length, volumes: volumes.Volumes?.length ?? 0 }
}

/** The address under which containers reach this machine; null without an engine. */
export async function bridgeAddress(): Promise<string | null> {
  try {
    const bridge = (await new Docker().getNetwork('bridge').inspect()) as { IPAM?: { Config?: { Gateway?: string; Subnet?: string }[] } }
    const { Gateway, Subnet } = bridge.IPAM?.Config?.[0] ?? {}
    // The engine names the gateway only once the bridge was used; it always takes the first address.
    return Gateway ?? Subnet?.replace(/\d+\/\d+$/, '1') ?? null
  } catch {
    // No engine: the control plane runs without sessions and the sandbox host says why.
    return null
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8')
  } catch {
    // It ended meanwhile, or is somebody else's: not ours either way.
    return ''
  }
}

/** Ends what a killed `npm start` left running on this data folder. The lock is ours, so whoever still runs there is an orphan. */
export function endOrphans(dataDir: string): number {
  if (process.platform !== 'linux') return 0
  const mark = `HELIX_DATA_DIR=${dataDir}`
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
  const orphans = pids.filter((pid) => environmentOf(pid).split('\0').includes(mark) && environmentOf(pid).includes('HELIX_SUPERVISED=1'))
  for (const pid of orphans) process.kill(Number(pid), 'SIGKILL')
  return orphans.length
}
