import type { Rung as Name } from '@helix/contract/isolation'
import type { SessionFile } from '@helix/contract/link'
import type { ContainerSpec, EngineInfo } from '../engine/engine.ts'
import { innerDockerSeccomp } from './seccomp.ts'

type InnerDocker = SessionFile['innerDocker']

/** What a rung says about a session's container. */
export type Isolation = Pick<ContainerSpec, 'runtime' | 'capabilities' | 'noNewPrivileges' | 'seccomp' | 'privateCgroups'>

export interface Rung {
  name: Name
  /** Whether the engine has what it needs; the probe says whether it works. */
  offered(info: EngineInfo, allowUnsafe: boolean): boolean
  innerDocker: InnerDocker
  isolation: Isolation
  /** The same rung where no inner Docker works; null: then the next rung is tried. */
  without: Isolation | null
}

/** The supervisor gives files to the agent's user, becomes it, and ends what it started. */
const supervisor = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID']
const innerEngine = [
  ...supervisor,
  ...['AUDIT_WRITE', 'FSETID', 'MKNOD', 'NET_BIND_SERVICE', 'NET_RAW', 'SETFCAP', 'SETPCAP', 'SYS_CHROOT'],
  ...['NET_ADMIN', 'SYS_ADMIN'],
]

const plain: Isolation = { runtime: null, capabilities: supervisor, noNewPrivileges: true, seccomp: null, privateCgroups: false }
const nested: Isolation = {
  runtime: null,
  capabilities: innerEngine,
  noNewPrivileges: false,
  seccomp: innerDockerSeccomp,
  privateCgroups: true,
}

/** Strongest first. Never the host's socket, never a privileged container. */
export const rungs: readonly Rung[] = [
  {
    name: 'gvisor',
    offered: ({ runtimes }) => runtimes.includes('runsc'),
    innerDocker: 'gvisor',
    // The capabilities count only inside gVisor's own kernel, which is also why it needs no seccomp profile.
    isolation: { ...nested, runtime: 'runsc', seccomp: null, privateCgroups: false },
    without: { ...plain, runtime: 'runsc' },
  },
  {
    name: 'userns',
    offered: ({ usernsRemap }) => usernsRemap,
    innerDocker: 'rootless',
    isolation: { ...nested, privateCgroups: false },
    without: plain,
  },
  {
    // Root in the session is root on the machine: for development, and only when asked for.
    name: 'capabilities',
    offered: (_, allowUnsafe) => allowUnsafe,
    innerDocker: 'rootful',
    isolation: nested,
    without: null,
  },
  { name: 'plain', offered: () => true, innerDocker: 'none', isolation: plain, without: plain },
]
