import { protectedBy } from '@helix/contract/branches'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, RepositoryId } from '@helix/contract/ids'
import type { ProjectSettings, updateProject } from '@helix/contract/projects'
import type { Knex } from 'knex'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import { wakeWaiting } from '../internal/slots.ts'
import { type ProjectChange, ProjectStore } from './store.ts'

const wrong = (field: string, message: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })

/** What the database cannot know: branches live in git. Throws with the field that is wrong. */
export async function checkBranches(
  context: Context,
  db: Knex,
  orgId: OrgId,
  project: ProjectSettings,
  change: ProjectChange,
): Promise<void> {
  const patterns = change.protectedBranches ?? project.protectedBranches
  if (change.protectedBranches !== undefined) {
    const specs = protectedBy(patterns, 'helix-specs')
    if (specs !== null) throw wrong('protectedBranches', `"${specs}" covers helix-specs, which agents push their specs to`)
    const work = protectedBy(patterns, 'feature/000001-task')
    if (work !== null) throw wrong('protectedBranches', `"${work}" covers feature/…, the branches that agents work on`)
  }
  const [first] = await repositoriesAfter(db, orgId, project, change.repositoryIds)
  const base = change.baseBranch === undefined ? project.baseBranch : change.baseBranch
  const [field, branch] = base === null ? ['protectedBranches', first?.defaultBranch ?? ''] : ['baseBranch', base]
  const cover = change.protectedBranches !== undefined || change.baseBranch !== undefined ? protectedBy(patterns, branch) : null
  if (cover !== null && change.baseBranch != null) throw wrong('baseBranch', `"${branch}" is protected by "${cover}"`)
  if (cover !== null)
    throw wrong('protectedBranches', `"${cover}" covers ${branch}, the base branch of new tasks: set another base branch first`)
  if (change.baseBranch == null || first === undefined || branch === first.defaultBranch) return
  if ((await context.git.resolveCommit({ orgId, repositoryId: first.id }, `refs/heads/${branch}`)) === null)
    throw wrong(field ?? 'baseBranch', `${first.name} has no branch "${branch}"`)
}

/** Throws with the field that is missing. */
export function checkSize(project: ProjectSettings, { size = project.size, customSize = project.customSize }: ProjectChange): void {
  if (size === 'custom' && customSize === null) throw wrong('customSize', 'say how large a custom machine is: {cpus, memoryMb, diskMb}')
}

async function repositoriesAfter(db: Knex, orgId: OrgId, project: ProjectSettings, ids: RepositoryId[] | undefined) {
  if (ids === undefined) return project.repositories
  const known = await new ProjectStore(db).knownRepositories(orgId, ids)
  const missing = ids.find((id) => !known.has(id))
  if (missing !== undefined) throw wrong('repositoryIds', `${missing} is not a repository of this organisation`)
  const found = project.repositories.find(({ id }) => id === ids[0])
  if (found !== undefined) return [found]
  return new ProjectStore(db).repositoriesByIds(orgId, ids.slice(0, 1))
}

/** The first repository holds the specs of open tasks, and agents work in all of them: neither is taken from under them. */
async function refuseUsedRepositories(trx: Knex, orgId: OrgId, project: ProjectSettings, ids: RepositoryId[]): Promise<void> {
  const before = project.repositories.map(({ id }) => id)
  const removed = before.some((id) => !ids.includes(id))
  if (!removed && before[0] === ids[0]) return
  const working = await new ProjectStore(trx).workingTasks(trx, orgId, project.id)
  if (working.length === 0) return
  const names = working.slice(0, 5).map((number) => `#${number}`)
  const more = working.length > names.length ? ` and ${working.length - names.length} more` : ''
  const what = removed ? 'removed' : 'moved from the first place'
  throw new HelixError('conflict', `A repository cannot be ${what} while tasks work in it: finish or archive ${names.join(', ')}${more}.`)
}

export const outdated = ({ changed, version }: ProjectSettings): HelixError =>
  new HelixError('conflict', `${changed?.by ?? 'Somebody'} changed these settings meanwhile. Look at both and save again.`, {
    changedBy: changed?.by ?? null,
    changedAt: changed?.at ?? null,
    version,
  })

/** Writes a checked change in the caller's transaction; the event is the caller's. Throws `conflict` when the settings are not at `expected`. */
export async function writeChange(
  trx: Knex,
  actor: Actor,
  projectId: ProjectSettings['id'],
  change: ProjectChange,
  expected: number | undefined,
): Promise<void> {
  const store = new ProjectStore(trx)
  const version = await store.lockVersion(trx, actor.orgId, projectId)
  const current = version === null ? null : await store.findSettings(actor.orgId, projectId)
  if (current === null) throw new HelixError('not_found')
  if (expected !== undefined && expected !== current.version) throw outdated(current)
  if (change.repositoryIds !== undefined) await refuseUsedRepositories(trx, actor.orgId, current, change.repositoryIds)
  await store.update(trx, actor.orgId, projectId, change, actor.userId)
  for (const phase of ['planning', 'implementing'] as const)
    if (change[`${phase}Limit`] !== undefined || change.autoStart === true) await wakeWaiting(trx, actor.orgId, projectId, phase)
}

/** One edit of a person: checked, written and told to everybody. */
export async function changeProject(
  context: Context,
  actor: Actor,
  project: ProjectSettings,
  { expected, ...given }: BodyOf<typeof updateProject>,
): Promise<void> {
  const change = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as ProjectChange
  if (expected !== undefined && expected !== project.version) throw outdated(project)
  if (Object.keys(change).length === 0) return
  checkSize(project, change)
  await checkBranches(context, context.db, actor.orgId, project, change)
  await context.db.transaction(async (trx) => {
    await writeChange(trx, actor, project.id, change, expected)
    await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId: project.id })
  })
  context.bus.wake(actor.orgId)
  context.outbox.nudge()
}
