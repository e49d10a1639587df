import { desktopRules } from '@helix/contract/desktop'
import { HelixError } from '@helix/contract/errors'
import type { Exposure } from '@helix/contract/exposure'
import type { OrgId, ProjectId, RepositoryId, SecretId, TeamId, UserId } from '@helix/contract/ids'
import type { Label } from '@helix/contract/labels'
import type { ConfigChange, ConfigProblem, ProjectConfig } from '@helix/contract/project-config'
import type { ProjectSettings } from '@helix/contract/projects'
import { recordingRules } from '@helix/contract/recording-rules'
import type { TaskTemplate } from '@helix/contract/templates'
import type { Knex } from 'knex'
import { GrantStore } from '../../access/grants/store.ts'
import type { Grantee } from '../../access/store.ts'
import type { Context } from '../../context.ts'
import type { Actor } from '../../http/mount.ts'
import { LabelStore } from '../../labels/store.ts'
import { SecretStore } from '../../secrets/store.ts'
import { TemplateStore } from '../../templates/store.ts'
import { checkBranches, checkSize, outdated, repositoryRefusal, writeChange } from '../change.ts'
import { type ProjectChange, ProjectStore } from '../store.ts'
import { configChanges, newOrOther, valueAt } from './diff.ts'
import { type ParsedConfig, parseConfig, refuse } from './read.ts'
import { configStore } from './store.ts'

export type { ParsedConfig } from './read.ts'

/** The project as a configuration that holds everything. */
export async function currentConfig(context: Context, db: Knex, orgId: OrgId, project: ProjectSettings): Promise<ProjectConfig> {
  const members = await configStore.members(db, orgId, project.id)
  const secrets = await new SecretStore(db, context.sealing).list(orgId, project.id)
  const labels = await new LabelStore(db).list(orgId, project.id)
  const templates = await new TemplateStore(db).list(orgId, project.id)
  return {
    version: 1,
    name: project.name,
    description: project.description,
    repositories: project.repositories.map(({ name }) => name),
    agent: { runtime: project.agentRuntime, model: project.model, permissions: project.permissionMode },
    automation: { justDoIt: project.justDoIt, autoStart: project.autoStart },
    limits: { planning: project.planningLimit, implementing: project.implementingLimit },
    branches: { base: project.baseBranch, protected: project.protectedBranches },
    review: {
      approvals: project.approvalsNeeded,
      selfApproval: project.selfApproval,
      requireResolved: project.requireResolved,
      reminderHours: project.reviewReminderHours,
      publicLinks: project.publicLinks,
      reviewers: await configStore.addresses(db, orgId, project.defaultReviewerIds),
    },
    startUp: { script: project.startUpScript, deadlineSeconds: project.startUpSeconds },
    sandbox: {
      network: project.egressMode,
      domains: project.egressDomains,
      isolation: project.minimumRung,
      hostLabels: project.hostLabels,
      size: project.size,
      customSize: project.customSize,
      image: project.image,
      imageLogin: project.imageLogin,
      idleMinutes: project.idleMinutes,
      ttlHours: project.ttlHours,
    },
    desktop: project.desktop,
    recording: project.recording,
    guidelines: project.guidelines,
    labels: labels.map(({ name, colour }) => ({ name, colour })),
    templates: templates.map(({ id: _, ...template }) => template),
    visibility: await configStore.visibility(db, orgId, project.id),
    members: members.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    secrets: secrets.filter(({ scope }) => scope === 'project').map(({ name, exposure }) => ({ name, exposure })),
  }
}

export interface ConfigPlan {
  project: ProjectSettings
  changes: ConfigChange[]
  missingSecrets: string[]
  change: ProjectChange
  grants: Map<UserId | TeamId, ProjectRole> | null
  exposures: { id: SecretId; exposure: Exposure }[]
  visibility: ProjectConfig['visibility']
  labels: Pick<Label, 'name' | 'colour'>[]
  templates: Omit<TaskTemplate, 'id'>[]
}

type ProjectRole = NonNullable<ProjectConfig['members']>[number]['role']

/** Which file paths stand for which fields of a change. */
const fieldPaths: Record<string, string[]> = {
  baseBranch: ['branches', 'base'],
  protectedBranches: ['branches', 'protected'],
  repositoryIds: ['repositories'],
  customSize: ['sandbox', 'customSize'],
  hostLabels: ['sandbox', 'hostLabels'],
}

const columns: [keyof ProjectChange, string][] = [
  ['name', 'name'],
  ['description', 'description'],
  ['agentRuntime', 'agent.runtime'],
  ['model', 'agent.model'],
  ['permissionMode', 'agent.permissions'],
  ['justDoIt', 'automation.justDoIt'],
  ['autoStart', 'automation.autoStart'],
  ['planningLimit', 'limits.planning'],
  ['implementingLimit', 'limits.implementing'],
  ['baseBranch', 'branches.base'],
  ['protectedBranches', 'branches.protected'],
  ['approvalsNeeded', 'review.approvals'],
  ['selfApproval', 'review.selfApproval'],
  ['requireResolved', 'review.requireResolved'],
  ['reviewReminderHours', 'review.reminderHours'],
  ['publicLinks', 'review.publicLinks'],
  ['startUpScript', 'startUp.script'],
  ['startUpSeconds', 'startUp.deadlineSeconds'],
  ['egressMode', 'sandbox.network'],
  ['egressDomains', 'sandbox.domains'],
  ['minimumRung', 'sandbox.isolation'],
  ['hostLabels', 'sandbox.hostLabels'],
  ['size', 'sandbox.size'],
  ['customSize', 'sandbox.customSize'],
  ['image', 'sandbox.image'],
  ['imageLogin', 'sandbox.imageLogin'],
  ['idleMinutes', 'sandbox.idleMinutes'],
  ['ttlHours', 'sandbox.ttlHours'],
  ['guidelines', 'guidelines'],
]

/** What applying the file means here and now; throws with every name in it that nobody has. */
export async function planConfig(
  context: Context,
  db: Knex,
  who: Grantee,
  projectId: ProjectId,
  parsed: ParsedConfig,
): Promise<ConfigPlan> {
  const { orgId } = who
  const project = await new ProjectStore(db).findSettings(orgId, projectId)
  if (project === null) throw new HelixError('not_found')
  const { config } = parsed
  const current = await currentConfig(context, db, orgId, project)
  const problems: ConfigProblem[] = []
  const repositoryIds = await findRepositories(db, who, project, parsed, problems)
  const grants = await findGrantees(db, orgId, parsed, problems)
  const reviewerIds = await findReviewers(db, orgId, parsed, problems)
  for (const list of ['labels', 'templates'] as const) problems.push(...namedTwice(parsed, list))
  if (problems.length > 0) refuse(problems)
  const changes = configChanges(current, config)
  const changed = new Set(changes.map(({ path }) => path))
  const change = Object.fromEntries(
    columns.filter(([, path]) => changed.has(path)).map(([key, path]) => [key, valueAt(config, path)]),
  ) as ProjectChange
  if (changes.some(({ path }) => path.startsWith('desktop.')))
    change.desktop = desktopRules.parse({ ...project.desktop, ...config.desktop })
  if (changes.some(({ path }) => path.startsWith('recording.')))
    change.recording = recordingRules.parse({ ...project.recording, ...config.recording })
  if (changed.has('repositories') && repositoryIds !== undefined) change.repositoryIds = repositoryIds
  if (changed.has('review.reviewers') && reviewerIds !== undefined) change.defaultReviewerIds = reviewerIds
  await checkChange(context, db, who, project, change, parsed)
  const secrets = await new SecretStore(db, context.sealing).list(orgId, projectId)
  const wanted = config.secrets ?? []
  return {
    project,
    changes,
    change,
    grants,
    visibility: config.visibility,
    labels: newOrOther(current.labels, config.labels),
    templates: newOrOther(current.templates, config.templates),
    missingSecrets: wanted.filter(({ name }) => !secrets.some((secret) => secret.name === name)).map(({ name }) => name),
    exposures: wanted.flatMap(({ name, exposure }) => {
      const known = secrets.find((secret) => secret.name === name && secret.scope === 'project')
      return known === undefined || exposure === undefined || known.exposure === exposure ? [] : [{ id: known.id, exposure }]
    }),
  }
}

/** Names that differ in nothing but case are one. */
function namedTwice({ config, problem }: ParsedConfig, list: 'labels' | 'templates'): ConfigProblem[] {
  const names = (config[list] ?? []).map(({ name }) => name.toLowerCase())
  return names.flatMap((name, index) => (names.indexOf(name) === index ? [] : [problem([list, index, 'name'], `"${name}" is named twice`)]))
}

async function findRepositories(
  db: Knex,
  who: Grantee,
  project: ProjectSettings,
  { config, problem }: ParsedConfig,
  problems: ConfigProblem[],
) {
  const names = config.repositories
  if (names === undefined) return undefined
  const known = await configStore.repositoryIds(db, who.orgId, names)
  for (const [index, name] of names.entries()) {
    const id = known.get(name)
    const refusal = id === undefined ? 'unknown' : await repositoryRefusal(db, who, project, id)
    const said = refusal === 'unknown' ? `there is no repository "${name}" in this organisation` : refusal
    if (said !== null) problems.push(problem(['repositories', index], said))
    if (names.indexOf(name) !== index) problems.push(problem(['repositories', index], `"${name}" is named twice`))
  }
  return names.map((name) => known.get(name)).filter((id): id is RepositoryId => id !== undefined)
}

async function findGrantees(db: Knex, orgId: OrgId, { config, problem }: ParsedConfig, problems: ConfigProblem[]) {
  if (config.members === undefined) return null
  const grants = new Map<UserId | TeamId, ProjectRole>()
  for (const [index, member] of config.members.entries()) {
    const id = await configStore.findGrantee(db, orgId, member)
    const [key, name] = 'team' in member ? ['team', member.team] : ['person', member.person]
    if (id === null) problems.push(problem(['members', index, key], `nobody of this organisation is called "${name}"`))
    else if (grants.has(id)) problems.push(problem(['members', index, key], `"${name}" is named twice`))
    else grants.set(id, member.role)
  }
  return grants
}

/** That they belong here is all that is asked: the same file may be what lets them in. */
async function findReviewers(db: Knex, orgId: OrgId, { config, problem }: ParsedConfig, problems: ConfigProblem[]) {
  const emails = config.review?.reviewers
  if (emails === undefined) return undefined
  const ids: UserId[] = []
  for (const [index, email] of emails.entries()) {
    const id = await configStore.findPerson(db, orgId, email)
    if (id === null) problems.push(problem(['review', 'reviewers', index], `nobody of this organisation is called "${email}"`))
    else if (ids.includes(id)) problems.push(problem(['review', 'reviewers', index], `"${email}" is named twice`))
    else ids.push(id)
  }
  return ids
}

async function checkChange(
  context: Context,
  db: Knex,
  who: Grantee,
  project: ProjectSettings,
  change: ProjectChange,
  parsed: ParsedConfig,
) {
  try {
    checkSize(project, change)
    await checkBranches(context, db, who, project, change)
  } catch (error) {
    const fields = error instanceof HelixError ? (error.details?.fields as Record<string, string> | undefined) : undefined
    if (fields === undefined) throw error
    refuse(Object.entries(fields).map(([field, message]) => parsed.problem(fieldPaths[field] ?? [], message)))
  }
}

/** Applies a file in the caller's transaction; the event is the caller's. Applying it again changes nothing. */
export async function applyParsed(
  context: Context,
  trx: Knex,
  actor: Actor,
  projectId: ProjectId,
  parsed: ParsedConfig,
  expected: number | undefined,
): Promise<ConfigPlan> {
  // Before anything is read: two files at once are applied one after the other.
  await new ProjectStore(trx).lockVersion(trx, actor.orgId, projectId)
  const plan = await planConfig(context, trx, actor, projectId, parsed)
  if (expected !== undefined && expected !== plan.project.version) throw outdated(plan.project)
  if (plan.changes.length === 0) return plan
  await writeChange(trx, actor, projectId, plan.change, undefined)
  const grants = new GrantStore(trx)
  if (plan.visibility !== undefined) await grants.setVisibility(trx, actor.orgId, projectId, plan.visibility)
  if (plan.grants !== null) {
    const { grants: before } = await grants.membersOf(actor.orgId, projectId)
    for (const { grantee } of before) if (!plan.grants.has(grantee.id)) await grants.remove(trx, actor.orgId, projectId, grantee.id)
    for (const [id, role] of plan.grants) await grants.put(trx, actor.orgId, projectId, id, role)
  }
  const labels = new LabelStore(trx)
  const known = await labels.list(actor.orgId, projectId)
  for (const label of plan.labels) {
    const same = known.find(({ name }) => name.toLowerCase() === label.name.toLowerCase())
    if (same === undefined) await labels.insert(trx, actor.orgId, projectId, label)
    else await labels.update(trx, actor.orgId, projectId, same.id, label)
  }
  const templates = new TemplateStore(trx)
  for (const template of plan.templates) await templates.put(actor.orgId, projectId, actor.userId, template)
  const secrets = new SecretStore(trx, context.sealing)
  for (const { id, exposure } of plan.exposures) await secrets.update(trx, actor.orgId, projectId, id, { exposure }, actor.userId)
  return plan
}

/** The file at the root of the default branch, without what a new project has its own of. Throws `not_found` when there is none. */
export async function readRepositoryConfig(context: Context, orgId: OrgId, repositoryId: RepositoryId): Promise<ParsedConfig> {
  const [repository] = await new ProjectStore(context.db).repositoriesByIds(orgId, [repositoryId])
  const key = { orgId, repositoryId }
  const ref = repository && `refs/heads/${repository.defaultBranch}`
  const text = ref === undefined ? null : await context.git.readFile(key, ref, 'helix.yaml')
  if (text === null)
    throw new HelixError('invalid_request', 'fromHelixYaml: the default branch has no helix.yaml at its root', {
      fields: { fromHelixYaml: 'there is no helix.yaml at the root of the default branch' },
    })
  const parsed = parseConfig(text)
  const { name: _name, repositories: _repositories, description: _description, ...config } = parsed.config
  return { ...parsed, config }
}
