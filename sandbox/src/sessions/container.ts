import type { SessionSpec } from '@helix/contract/hosts'
import { type SessionFile, supervisorPort } from '@helix/contract/link'
import { keepsLayersOf } from '../caches/layers.ts'
import type { Config } from '../config.ts'
import { diskLabels } from '../disk/limits.ts'
import { type Egress, egressLabels } from '../egress/egress.ts'
import { archiveOf } from '../engine/archive.ts'
import type { ContainerSpec, Labels } from '../engine/engine.ts'
import type { Footing } from '../ladder/ladder.ts'
import type { MachineLimits } from '../monitor.ts'
import type { Certificates } from './certificates.ts'
import { containerName, innerDockerVolume, networkName, type Owner, type Stem, sessionLabels, workspaceVolume } from './names.ts'

/** What of a session decides what its container is like, and not whose it is. */
export type Wanted = Pick<SessionSpec, 'machine' | 'egress' | 'controlPlaneUrl'>

export interface MouldInput {
  footing: Footing
  limits: Config['session']
  /** What this host gives one session at most. */
  largest: MachineLimits
  certificates: Certificates
  egress: Pick<Egress, 'environment' | 'nameserversOf'>
}

export interface SessionContainer extends MouldInput {
  owner: Owner
  spec: SessionSpec
  epoch: number
  /** See `SlotLedger`. */
  stem: Stem
  packVolume: string
}

/** A session's container without its name and its things. */
export type Mould = Omit<ContainerSpec, 'name' | 'labels' | 'network' | 'volumes'>

export const sessionFilePath = '/run/helix/session.json'

/** Containers of the same mould differ in nothing but whose they are. */
export function mouldOf({ footing, limits, largest, certificates, egress }: MouldInput, wanted: Wanted): Mould {
  const { machine } = wanted
  return {
    image: machine.image ?? limits.image,
    command: null,
    user: null,
    env: { HELIX_SESSION_FILE: sessionFilePath, ...certificates.env, ...egress.environment(wanted.egress, wanted.controlPlaneUrl) },
    port: supervisorPort,
    publish: limits.reach === 'published',
    tmpfs: {},
    memoryBytes: Math.min(machine.memoryBytes, largest.memoryBytes),
    cpus: Math.min(machine.cpus, largest.cpus),
    fileBytes: machine.diskBytes,
    // Sessions that go out by themselves ask as the engine does.
    nameservers: wanted.egress.mode === 'open' ? null : egress.nameserversOf(wanted.egress),
    ...footing.isolation,
  }
}

/** `packs`: volumes of agents, each with the runtime whose it is. */
export function volumesOf(
  owner: Owner,
  stem: Stem,
  packs: readonly { runtime: string; volume: string }[],
  footing: Footing,
): ContainerSpec['volumes'] {
  return [
    { volume: workspaceVolume(owner, stem), path: '/workspace', readOnly: false },
    ...packs.map(({ runtime, volume }) => ({ volume, path: `/opt/agents/${runtime}`, readOnly: true })),
    // An inner engine cannot keep its layers on the container's own.
    ...(footing.innerDocker === 'none' ? [] : [{ volume: innerDockerVolume(owner, stem), path: '/var/lib/docker', readOnly: false }]),
  ]
}

/** What a start's container is known by. */
export const startLabels = (owner: Owner, spec: SessionSpec, epoch: number): Labels => ({
  ...sessionLabels(owner, spec.sessionId),
  'helix.epoch': String(epoch),
  ...diskLabels(spec.machine),
  ...egressLabels(spec.egress),
})

/** The container of one start of a session. Nothing secret: `docker inspect` shows all of it. */
export function sessionContainer(input: SessionContainer): ContainerSpec {
  const { owner, spec, epoch, stem } = input
  const pack = { runtime: spec.agentRuntime, volume: input.packVolume }
  return {
    name: containerName(owner, spec.sessionId, epoch),
    labels: startLabels(owner, spec, epoch),
    network: networkName(owner, stem),
    volumes: volumesOf(owner, stem, [pack], input.footing),
    ...mouldOf(input, spec),
  }
}

/** What the supervisor is told of the session that it serves. */
export function sessionFileOf(
  { footing, egress }: Pick<MouldInput, 'footing' | 'egress'>,
  given: SessionSpec & { keepsClones?: readonly string[] },
  epoch: number,
  linkSecret: string,
): SessionFile {
  const { orgId, projectId, taskId, egress: policy, machine, imageLogin, keepsClones = [], ...spec } = given
  // gVisor's network does not lead to the engine's own resolver.
  const nameservers = footing.innerDocker === 'gvisor' ? [...egress.nameserversOf(policy)] : []
  const keepsLayers = keepsLayersOf(footing) && spec.startUp !== null
  return {
    ...spec,
    epoch,
    linkSecret,
    innerDocker: footing.innerDocker,
    keepsLayers,
    keepsClones: [...keepsClones],
    nameservers,
    patient: true,
    desktop: machine.desktop,
  }
}

/** What is put into the container before its start, relative to `/`; the supervisor deletes the session file once it has read it. */
export function sessionArchive(input: SessionContainer, linkSecret: string): Promise<Buffer> {
  const file = sessionFileOf(input, input.spec, input.epoch, linkSecret)
  return archiveOf([{ path: sessionFilePath.slice(1), content: JSON.stringify(file), mode: 0o600 }, ...input.certificates.files])
}
