import type { ContainerSpec } from './engine.ts'

/** A container without rights, network or purpose, to be given what a caller needs. */
export function plainContainer(given: Pick<ContainerSpec, 'name' | 'image' | 'labels'> & Partial<ContainerSpec>): ContainerSpec {
  return {
    command: ['/bin/true'],
    user: null,
    env: {},
    network: null,
    port: null,
    publish: false,
    volumes: [],
    tmpfs: {},
    memoryBytes: 256 * 1024 * 1024,
    cpus: 1,
    pids: 2048,
    fileBytes: null,
    runtime: null,
    capabilities: [],
    noNewPrivileges: true,
    seccomp: null,
    privateCgroups: false,
    nameservers: null,
    ...given,
  }
}
