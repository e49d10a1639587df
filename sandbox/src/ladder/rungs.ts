import type { Rung as Name } from '@helix/contract/isolation'
import type { SessionFile } from '@helix/contract/link'
import type { ContainerSpec, EngineInfo } from '../engine/engine.ts'
import { innerDockerSeccomp } from './seccomp.ts'

type InnerDocker = SessionFile['innerDocker']

/** What a rung says about a session's container. */
export type Isolation = Pick<ContainerSpec, 'runtime' | 'capabilities' | 'noNewPrivileges' | 'seccomp' | 'privateCgroups' | 'pids'>

/** The runtime's name with the engine; null: the engine's own. */
export interface Base {
  runtime: string | null
}

export interface Rung {
  name: Name
  /** What it stands on; the probe says whether it works. Null: the engine has not got it. */
  on(info: EngineInfo, allowUnsafe: boolean): Base | null
  /** Why not, where `on` finds nothing. */
  lacks: string
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

const pids = 2048
/** gVisor takes up to two for each of a session's, and ends the whole session when it gets none: the supervisor keeps the session to 1,280 there. */
const pidsWithOwnKernel = 3072

const plain: Isolation = { runtime: null, capabilities: supervisor, noNewPrivileges: true, seccomp: null, privateCgroups: false, pids }
const nested: Isolation = {
  runtime: null,
  capabilities: innerEngine,
  noNewPrivileges: false,
  seccomp: innerDockerSeccomp,
  privateCgroups: true,
  pids,
}

const runtimeOf =
  (...names: string[]) =>
  ({ runtimes }: EngineInfo): Base | null => {
    const runtime = runtimes.find((one) => names.includes(one))
    return runtime === undefined ? null : { runtime }
  }

/** Names that Kata's own instructions register it by. */
const kataRuntimes = ['kata', 'kata-runtime', 'kata-qemu', 'kata-clh', 'kata-fc', 'io.containerd.kata.v2']

/** Strongest first. Never the host's socket, never a privileged container. */
export const rungs: readonly Rung[] = [
  {
    name: 'kata',
    on: runtimeOf(...kataRuntimes),
    lacks: 'no Kata runtime is registered with the engine',
    innerDocker: 'rootful',
    // The capabilities are over the virtual machine's own kernel.
    isolation: { ...nested, seccomp: null, privateCgroups: false },
    without: plain,
  },
  {
    name: 'gvisor',
    on: runtimeOf('runsc'),
    lacks: 'runsc is not registered with the engine',
    innerDocker: 'gvisor',
    // The capabilities count only inside gVisor's own kernel, which is also why it needs no seccomp profile.
    isolation: { ...nested, seccomp: null, privateCgroups: false, pids: pidsWithOwnKernel },
    without: { ...plain, pids: pidsWithOwnKernel },
  },
  {
    name: 'sysbox',
    on: runtimeOf('sysbox-runc'),
    lacks: 'sysbox-runc is not registered with the engine',
    innerDocker: 'rootful',
    isolation: { ...nested, seccomp: null, privateCgroups: false },
    without: plain,
  },
  {
    name: 'userns',
    on: ({ usernsRemap }) => (usernsRemap ? { runtime: null } : null),
    lacks: 'the engine runs without userns-remap',
    innerDocker: 'rootless',
    isolation: { ...nested, privateCgroups: false },
    without: plain,
  },
  {
    // Root in the session is root on the machine: for development, and only when asked for.
    name: 'capabilities',
    on: (_, allowUnsafe) => (allowUnsafe ? { runtime: null } : null),
    lacks: 'it is not asked for',
    innerDocker: 'rootful',
    isolation: nested,
    without: null,
  },
  { name: 'plain', on: () => ({ runtime: null }), lacks: '', innerDocker: 'none', isolation: plain, without: plain },
]
