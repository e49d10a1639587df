import type { FleetHost } from '@helix/contract/fleet'
import type { HostCheck } from '@helix/contract/link'

const gigabytes = (mb: number): string => String(Math.round(mb / 102.4) / 10)

/** Units: bytes in. */
const disk = (bytes: number): string => {
  const gb = bytes / 1024 ** 3
  return gb < 1024 ? `${gb < 10 ? gb.toFixed(1) : Math.round(gb)} GB` : `${(gb / 1024).toFixed(1)} TB`
}

const rungs: Record<string, string> = {
  capabilities: 'capabilities, for development',
  plain: 'container without rights',
  userns: 'user namespace',
  sysbox: 'Sysbox',
  gvisor: 'gVisor',
  kata: 'Kata',
  unknown: 'not known yet',
}

export const words = {
  title: 'Sandboxes',
  summary: 'All hosts',
  hosts: 'Hosts',
  hostsOnline: 'Hosts online',
  of: (some: number, all: number) => `${some} of ${all}`,
  places: 'Places taken',
  waiting: 'Sessions that wait',
  working: 'Agents at work',
  none: 'No sandbox host yet',
  noneText: 'A sandbox host is a machine with Docker that runs the sessions of agents. Until one connects, tasks wait.',
  stale: 'Helix did not answer: what stands here is old',
  states: {
    revoked: 'Shut out',
    silent: 'Offline',
    problem: 'Takes no sessions',
    draining: 'Draining',
    cordoned: 'Cordoned',
    open: 'Online',
  },
  stateHints: {
    revoked: 'An administrator revoked its credential.',
    silent: 'It has not reported for 30 seconds; after 90 its sessions go on elsewhere.',
    problem: 'It found something that keeps sessions from running there.',
    draining: 'It gets nothing new, and what is there leaves after its turn.',
    cordoned: 'It gets nothing new; what is there stays.',
    open: 'It takes sessions.',
  },
  never: 'never seen',
  seen: 'seen',
  dedicated: (name: string) => `Only ${name}`,
  weight: (weight: number) => `weight ${weight}`,
  takes: 'Places',
  memory: 'Memory given',
  memoryOf: (given: number, room: number | null) =>
    room === null ? `${gigabytes(given)} GB` : `${gigabytes(given)} of ${gigabytes(room)} GB`,
  memoryHint: (total: number | null) =>
    total === null
      ? 'What the sizes of its sessions are in sum.'
      : `What the sizes of its sessions are in sum, and may be. The machine has ${gigabytes(total)} GB: sessions seldom use all of theirs at once.`,
  machine: (total: number) => `machine ${gigabytes(total)} GB`,
  load: 'Load',
  loadHint: 'Work that runs or waits, by processor. Above 1 it waits.',
  diskFree: 'Disk free',
  disk,
  unknown: 'not told',
  rung: (rung: string) => rungs[rung] ?? rung,
  isolation: 'Isolation',
  inner: 'Docker inside',
  noInner: 'no Docker inside',
  filtered: 'networks filtered',
  unfiltered: 'networks not filtered',
  reserved: (count: number) => (count === 1 ? '1 is about to start' : `${count} are about to start`),
  drain: (left: number, total: number) =>
    left === 0 ? 'Empty: the machine may go.' : `Sessions that are still there: ${left} of ${total}`,
  drained: 'Sessions that left',
  skew: {
    older: (own: number, theirs: number) =>
      `It speaks protocol ${theirs}, the control plane ${own}: it works, and the next version needs it upgraded.`,
    unknown: 'It has not said which protocol it speaks.',
  },
  version: 'Version',
  versionOf: (version: string | null, protocol: number | null) =>
    `${version ?? 'not told'}${protocol === null ? '' : `, protocol ${protocol}`}`,
  otherVersion: (own: string) => `the control plane is ${own}`,
  sessions: 'Sessions',
  noSessions: 'No session is here.',
  theirs: 'Of others',
  untitled: 'Session',
  memoryMb: (mb: number) => `${gigabytes(mb)} GB`,
  queue: 'Queue',
  noQueue: 'Nothing waits for a place.',
  stuck: 'Something must be changed first',
  notLooked: 'Has just asked',
  waits: 'waits since',
  position: 'Position',
  shares: 'Shares of organisations',
  sharesText: 'While places are few, an organisation of weight 3 gets three places for each one of an organisation of weight 1.',
  organisation: 'Organisation',
  shareWeight: 'Weight',
  held: 'Has',
  wait: 'Wait',
  checks: 'Self-check',
  noChecks: 'It has told nothing of itself yet.',
  checkNames: { docker: 'Docker', disk: 'Disk', clock: 'Clock', sessions: 'Way to the control plane' } satisfies Record<
    HostCheck['name'],
    string
  >,
  checkStates: { ok: 'Well', warn: 'Look at it', failed: 'Failed', unknown: 'Not looked at yet' } satisfies Record<
    HostCheck['state'],
    string
  >,
  labels: 'Labels',
  noLabels: 'none',
  told: 'told by the host',
  set: 'set by an administrator',
  packs: 'Agents installed',
  images: 'Images there',
  nothingThere: 'none yet: the first session fetches it',
  about: 'About',
  credentials: {
    own: 'Its own',
    shared: 'The runner token of all hosts: upgrade it, the next version takes a credential of its own only',
    revoked: 'Revoked',
  } satisfies Record<FleetHost['credential'], string>,
  credential: 'Credential',
  group: 'Who may use it',
  everybody: 'all organisations',
  spread: 'Weight',
  lastSeen: 'Seen',
  gone: 'There is no such host, or it is not yours to see.',
}
