import type { ContainerCreateOptions } from 'dockerode'
import type { ContainerSpec } from './engine.ts'

/** Below what an engine is commonly started with: where users are mapped nobody may raise it. */
const openFiles = 16_384

/** Kept by the kernel for each process. Core dumps would be written where the machine's own are, outside of every limit. */
function ulimitsOf({ fileBytes }: ContainerSpec): { Name: string; Soft: number; Hard: number }[] {
  const limits = { core: 0, nofile: openFiles, ...(fileBytes === null ? {} : { fsize: fileBytes }) }
  return Object.entries(limits).map(([Name, most]) => ({ Name, Soft: most, Hard: most }))
}

/** What the engine is asked for. Limits stand here once, for every container: none runs without them. */
export function containerOptions(spec: ContainerSpec): ContainerCreateOptions {
  const port = spec.port === null ? null : `${spec.port}/tcp`
  const security = [...(spec.noNewPrivileges ? ['no-new-privileges'] : []), ...(spec.seccomp === null ? [] : [`seccomp=${spec.seccomp}`])]
  return {
    name: spec.name,
    Image: spec.image,
    Labels: spec.labels,
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    // The image's entrypoint is the supervisor; a command of our own takes its place.
    ...(spec.command === null ? {} : { Entrypoint: spec.command.slice(0, 1), Cmd: spec.command.slice(1) }),
    ...(spec.user === null ? {} : { User: spec.user }),
    ...(port === null ? {} : { ExposedPorts: { [port]: {} } }),
    HostConfig: {
      NetworkMode: spec.network ?? 'none',
      ...(spec.network === null ? {} : { ExtraHosts: ['host.docker.internal:host-gateway'] }),
      ...(port !== null && spec.publish ? { PortBindings: { [port]: [{ HostIp: '127.0.0.1', HostPort: '' }] } } : {}),
      ...(spec.nameservers === null ? {} : { Dns: [...spec.nameservers] }),
      Mounts: spec.volumes.map(({ volume, path, readOnly }) => ({ Type: 'volume', Source: volume, Target: path, ReadOnly: readOnly })),
      Tmpfs: spec.tmpfs,
      Memory: spec.memoryBytes,
      // The same as the memory: no swap.
      MemorySwap: spec.memoryBytes,
      NanoCpus: Math.round(spec.cpus * 1e9),
      PidsLimit: spec.pids,
      Ulimits: ulimitsOf(spec),
      LogConfig: { Type: 'json-file', Config: { 'max-size': '5m', 'max-file': '2' } },
      CapDrop: ['ALL'],
      CapAdd: spec.capabilities,
      SecurityOpt: security,
      ...(spec.privateCgroups ? { CgroupnsMode: 'private' as const } : {}),
      ...(spec.runtime === null ? {} : { Runtime: spec.runtime }),
      // Whether a session goes on is decided by its workflow, not by the engine.
      RestartPolicy: { Name: 'no' },
    },
  }
}
