import type { ConfigChange, ProjectConfig } from '@helix/contract/project-config'

/** Everything of a configuration that can be compared, by its path in the file. */
const leaves = [
  'name',
  'description',
  'repositories',
  'agent.runtime',
  'agent.model',
  'agent.permissions',
  'automation.justDoIt',
  'automation.autoStart',
  'limits.planning',
  'limits.implementing',
  'branches.base',
  'branches.protected',
  'review.approvals',
  'review.selfApproval',
  'review.requireResolved',
  'review.reminderHours',
  'review.publicLinks',
  'review.reviewers',
  'startUp.script',
  'startUp.deadlineSeconds',
  'sandbox.network',
  'sandbox.domains',
  'sandbox.isolation',
  'sandbox.hostLabels',
  'sandbox.size',
  'sandbox.customSize',
  'sandbox.image',
  'sandbox.imageLogin',
  'sandbox.idleMinutes',
  'sandbox.ttlHours',
  'desktop.enabled',
  'desktop.width',
  'desktop.height',
  'desktop.scale',
  'desktop.fps',
  'recording.enabled',
  'recording.keepDays',
  'guidelines',
  'visibility',
] as const

export function valueAt(config: ProjectConfig, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], config)
}

const shown = (value: unknown): string | null => {
  if (value === undefined || value === null) return null
  return typeof value === 'string' ? value : JSON.stringify(value)
}

type Member = NonNullable<ProjectConfig['members']>[number]
const memberName = (member: Member): string => ('team' in member ? `team ${member.team}` : member.person)
const memberKey = (member: Member): string => memberName(member).toLowerCase()

function memberChanges(current: Member[], wanted: Member[]): ConfigChange[] {
  const before = new Map(current.map((member) => [memberKey(member), member]))
  const after = new Map(wanted.map((member) => [memberKey(member), member]))
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [from, to] = [before.get(key), after.get(key)]
    if (from?.role === to?.role) return []
    const name = memberName((from ?? to) as Member)
    return [{ path: `members: ${name}`, from: from?.role ?? null, to: to?.role ?? null }]
  })
}

/** Secrets that have a value already; the others are told apart from changes. */
function secretChanges(current: ProjectConfig['secrets'] = [], wanted: ProjectConfig['secrets'] = []): ConfigChange[] {
  return wanted.flatMap(({ name, exposure }) => {
    const known = current.find((secret) => secret.name === name)
    if (known === undefined || exposure === undefined || known.exposure === exposure) return []
    return [{ path: `secrets: ${name}`, from: known.exposure ?? null, to: exposure }]
  })
}

type Named = { name: string }

/** The entries of a list by name that are not there as the file wants them; others stay. */
export function newOrOther<T extends Named>(current: readonly T[] = [], wanted: readonly T[] = []): T[] {
  const same = (one: T, other: T): boolean =>
    (Object.keys(other) as (keyof T)[]).every((key) => key === 'name' || JSON.stringify(one[key]) === JSON.stringify(other[key]))
  return wanted.filter((entry) => !current.some((known) => isNamed(known, entry.name) && known.name === entry.name && same(known, entry)))
}

const isNamed = (one: Named, name: string): boolean => one.name.toLowerCase() === name.toLowerCase()

/** Names may differ in case only: those are renamed. */
function namedChanges<T extends Named>(path: string, current: readonly T[] = [], wanted: readonly T[] = []): ConfigChange[] {
  const said = (entry: T | undefined): string | null => (entry === undefined ? null : JSON.stringify(entry).slice(0, 2000))
  return newOrOther(current, wanted).map((entry) => ({
    path: `${path}: ${entry.name}`,
    from: said(current.find((known) => isNamed(known, entry.name))),
    to: said(entry),
  }))
}

/** What applying `wanted` changes; what it leaves out stays. Empty: it says what is so already. */
export function configChanges(current: ProjectConfig, wanted: ProjectConfig): ConfigChange[] {
  const plain = leaves.flatMap((path): ConfigChange[] => {
    const [from, to] = [valueAt(current, path), valueAt(wanted, path)]
    if (to === undefined || JSON.stringify(from) === JSON.stringify(to)) return []
    return [{ path, from: shown(from), to: shown(to) }]
  })
  const members = wanted.members === undefined ? [] : memberChanges(current.members ?? [], wanted.members)
  const labels = namedChanges('labels', current.labels, wanted.labels)
  const templates = namedChanges('templates', current.templates, wanted.templates)
  return [...plain, ...labels, ...templates, ...members, ...secretChanges(current.secrets, wanted.secrets)]
}
