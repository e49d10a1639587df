import type { SessionSpec } from '@helix/contract/hosts'
import { type SessionFile, supervisorPort } from '@helix/contract/link'
import type { Config } from '../config.ts'
import { diskLabels } from '../disk/limits.ts'
import { type Egress, egressLabels } from '../egress/egress.ts'
import { archiveOf } from '../engine/archive.ts'
import type { ContainerSpec } from '../engine/engine.ts'
import type { Footing } from '../ladder/ladder.ts'
import type { MachineLimits } from '../monitor.ts'
import type { Certificates } from './certificates.ts'
import { containerName, innerDockerVolume, networkName, type Owner, sessionLabels, workspaceVolume } from './names.ts'

export interface SessionContainer {
  owner: Owner
  spec: SessionSpec
  epoch: number
  packVolume: string
  footing: Footing
  limits: Config['session']
  /** What this host gives one session at most. */
  largest: MachineLimits
  certificates: Certificates
  egress: Pick<Egress, 'environment' | 'nameserversOf'>
}

const sessionFilePath = '/run/helix/session.json'

/** The container of one start of a session. Nothing secret: `docker inspect` shows all of it. */
export function sessionContainer(input: SessionContainer): ContainerSpec {
  const { owner, spec, epoch, footing, limits, largest } = input
  const volumes = [
    { volume: workspaceVolume(owner, spec.sessionId), path: '/workspace', readOnly: false },
    { volume: input.packVolume, path: `/opt/agents/${spec.agentRuntime}`, readOnly: true },
  ]
  // An inner engine cannot keep its layers on the container's own.
  if (footing.innerDocker !== 'none') {
    volumes.push({ volume: innerDockerVolume(owner, spec.sessionId), path: '/var/lib/docker', readOnly: false })
  }
  return {
    name: containerName(owner, spec.sessionId, epoch),
    image: spec.machine.image ?? limits.image,
    labels: {
      ...sessionLabels(owner, spec.sessionId),
      'helix.epoch': String(epoch),
      ...diskLabels(spec.machine),
      ...egressLabels(spec.egress),
    },
    command: null,
    env: { HELIX_SESSION_FILE: sessionFilePath, ...input.certificates.env, ...input.egress.environment(spec.egress, spec.controlPlaneUrl) },
    network: networkName(owner, spec.sessionId),
    port: supervisorPort,
    publish: limits.reach === 'published',
    volumes,
    tmpfs: {},
    memoryBytes: Math.min(spec.machine.memoryBytes, largest.memoryBytes),
    cpus: Math.min(spec.machine.cpus, largest.cpus),
    fileBytes: spec.machine.diskBytes,
    // Sessions that go out by themselves ask as the engine does.
    nameservers: spec.egress.mode === 'open' ? null : input.egress.nameserversOf(spec.egress),
    ...footing.isolation,
  }
}

/** What is put into the container before its start, relative to `/`; the supervisor deletes the session file once it has read it. */
export function sessionArchive(input: SessionContainer, linkSecret: string): Promise<Buffer> {
  const { orgId, taskId, egress, machine, ...spec } = input.spec
  // gVisor's network does not lead to the engine's own resolver.
  const nameservers = input.footing.innerDocker === 'gvisor' ? [...input.egress.nameserversOf(egress)] : []
  const file: SessionFile = { ...spec, epoch: input.epoch, linkSecret, innerDocker: input.footing.innerDocker, nameservers }
  return archiveOf([{ path: sessionFilePath.slice(1), content: JSON.stringify(file), mode: 0o600 }, ...input.certificates.files])
}
