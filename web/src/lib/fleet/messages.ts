import type { FleetHost } from '@helix/contract/fleet'
import type { HostCheck } from '@helix/contract/link'
import type { PressureLevel } from '@helix/contract/pressure'

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
  pressure: 'Room',
  levels: {
    refuse: 'Room runs out: it takes nothing new',
    evict: 'Room runs out: it takes nothing new and gives up caches',
    suspend: 'Room runs out: it suspends idle sessions',
    largest: 'Room has run out: it suspends the largest session',
  } satisfies Record<PressureLevel, string>,
  descriptors: 'Open files',
  descriptorsOf: (open: number, most: number | null) => (most === null ? String(open) : `${open} of ${most}`),
  actions: (name: string) => `Actions of ${name}`,
  edit: 'Labels, group and weight',
  editTitle: (name: string) => `Labels, group and weight of ${name}`,
  cordon: 'Cordon',
  cordonHint: 'Nothing new; what is there stays',
  cordoned: (name: string) => `${name} is cordoned: it gets nothing new.`,
  uncordon: 'Uncordon',
  uncordonHint: 'It takes sessions again; a drain ends',
  uncordoned: (name: string) => `${name} takes sessions again.`,
  drainVerb: 'Drain',
  drainHint: 'Empty it before it is switched off',
  drainTitle: (name: string) => `Drain ${name}?`,
  drainText: (count: number) =>
    count === 0
      ? 'It gets nothing new. No session runs there.'
      : `It gets nothing new. ${count === 1 ? 'The session that is there leaves after its turn and goes on' : `The ${count} sessions that are there leave after their turns and go on`} elsewhere from the newest checkpoint: files and conversation come along, what runs and what was installed outside of the working copies does not.`,
  draining: (name: string) => `${name} is being emptied.`,
  remove: 'Remove',
  removeHint: 'Forget a machine that is gone',
  removeOnline: 'It is online: stop its process first, or drain it',
  removeTitle: (name: string) => `Remove ${name}?`,
  removeText: (count: number) =>
    count === 0
      ? 'Helix forgets this host. A machine that starts with its old state enrols anew.'
      : `Helix forgets this host. ${count === 1 ? 'Its session begins' : `Its ${count} sessions begin`} anew elsewhere, with what was pushed: what its volumes hold is lost to them.`,
  removed: (name: string) => `${name} is removed.`,
  saved: (name: string) => `${name} is changed.`,
  save: 'Save',
  cancel: 'Cancel',
  close: 'Close',
  notDone: 'That did not work',
  labelsHint: 'One name=value a line. Projects ask for them under Sandbox; these go over those that the host tells.',
  toldLabels: (told: string) => `It tells: ${told}.`,
  groupHint: 'Other organisations neither use nor see a host that is dedicated.',
  spreadHint: '1 to 100: how much of the spread it gets, against 1.',
  since: 'since',
  rotationAsked: 'It is asked to replace it, and does as soon as it is linked.',
  mayEnrol: 'It may enrol anew, which ends',
  rotate: 'Replace now',
  rotateHint: 'The old credential opens for ten minutes more',
  rotating: (name: string) => `${name} replaces its credential as soon as it is linked.`,
  revoke: 'Revoke',
  revokeTitle: (name: string) => `Shut ${name} out?`,
  revokeText: (count: number) =>
    `Its link is cut at once and nothing of it opens any more. ${count === 0 ? 'No session runs there.' : count === 1 ? 'The session that is there goes on elsewhere, from its newest checkpoint.' : `The ${count} sessions that are there go on elsewhere, from their newest checkpoints.`} Whoever holds the runner token can still enrol as another host: change it too.`,
  revoked: (name: string) => `${name} is shut out.`,
  allow: 'Let it enrol anew',
  allowHint: 'For 15 minutes, for a machine that lost its credential',
  allowed: (name: string) => `${name} may enrol anew within 15 minutes.`,
  allowText: 'A machine that lost its credential but kept its id is let in once more within 15 minutes after you allow it.',
  allowRevoked: 'To take it in again, let it enrol anew, delete credential.json in its state folder and start it.',
  add: 'Add a host',
  addText: 'A host dials out to Helix: it needs no open port.',
  addMachine: 'Take a Linux machine with Docker and Node.js 24, and put the same version of Helix there.',
  addToken:
    'Bring the runner token there as the file runner-token, readable by you only. It is the HELIX_RUNNER_TOKEN of the control plane; npm start keeps it as runnerToken in secrets.json of its data folder. It lets a machine enrol and is never shown here.',
  addStart: 'Start the host:',
  addCopy: 'Copy the command',
  addLocal: 'These addresses lead to the machine itself: put in those by which the new machine reaches Helix and Temporal.',
  addThen: 'It makes a credential of its own, enrols with the token once, checks itself and appears in this list within seconds.',
  shareOf: (name: string) => `Weight of ${name}`,
  shareSaved: (name: string, weight: number) => `${name} has weight ${weight}.`,
}
