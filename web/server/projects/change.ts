import { protectedBy } from '@helix/contract/branches'
import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, RepositoryId } from '@helix/contract/ids'
import { roleGrants, roleNeededFor } from '@helix/contract/permissions'
import type { ProjectSettings, updateProject } from '@helix/contract/projects'
import type { Knex } from 'knex'
import { type Grantee, peopleOnProject, roleOnRepository } from '../access/store.ts'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import type { Actor } from '../http/mount.ts'
import { wakeWaiting } from '../internal/slots.ts'
import { type ProjectChange, ProjectStore } from './store.ts'

const wrong = (field: string, message: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })

/**
 * Why this person may not bring a repository into the project; null when they may. Whoever works in a project works in its repositories: an
 * administrator of one project alone reaches no other that way. `unknown` is also what is hidden from them.
 */
export async function repositoryRefusal(
  db: Knex,
  who: Grantee,
  project: ProjectSettings,
  id: RepositoryId,
): Promise<'unknown' | string | null> {
  if (project.repositories.some((repository) => repository.id === id)) return null
  const role = await roleOnRepository(db, who, id)
  if (role === null) return 'unknown'
  return roleGrants(role, 'repository:write') ? null : `you need ${roleNeededFor('repository:write')} on this repository; you are ${role}`
}

/** What the database cannot know: branches live in git. Throws with the field that is wrong. */
export async function checkBranches(
  context: Context,
  db: Knex,
  who: Grantee,
  project: ProjectSettings,
  change: ProjectChange,
): Promise<void> {
  const { orgId } = who
  const patterns = change.protectedBranches ?? project.protectedBranches
  if (change.protectedBranches !== undefined) {
    const specs = protectedBy(patterns, 'helix-specs')
    if (specs !== null) throw wrong('protectedBranches', `"${specs}" covers helix-specs, which agents push their specs to`)
    const work = protectedBy(patterns, 'feature/000001-task')
    if (work !== null) throw wrong('protectedBranches', `"${work}" covers feature/…, the branches that agents work on`)
  }
  const [first] = await repositoriesAfter(db, who, project, change.repositoryIds)
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

/** Who is named now must be able to review here. Who was named before stays until somebody takes them off. */
async function checkReviewers(db: Knex, { orgId }: Grantee, project: ProjectSettings, ids: ProjectChange['defaultReviewerIds']) {
  const added = ids?.filter((id) => !project.defaultReviewerIds.includes(id)) ?? []
  if (added.length === 0) return
  const people = await peopleOnProject(db, orgId, project.id)
  const unable = added.find((id) => !roleGrants(people.get(id) ?? 'viewer', 'task:review'))
  if (unable !== undefined)
    throw wrong('defaultReviewerIds', `${unable} may not review in this project: give them the role ${roleNeededFor('task:review')} first`)
}

async function repositoriesAfter(db: Knex, who: Grantee, project: ProjectSettings, ids: RepositoryId[] | undefined) {
  if (ids === undefined) return project.repositories
  const { orgId } = who
  const known = await new ProjectStore(db).knownRepositories(orgId, ids)
  for (const id of ids) {
    const refusal = known.has(id) ? await repositoryRefusal(db, who, project, id) : 'unknown'
    if (refusal === 'unknown') throw wrong('repositoryIds', `${id} is not a repository of this organisation`)
    if (refusal !== null) throw wrong('repositoryIds', `${id}: ${refusal}`)
  }
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
  await checkBranches(context, context.db, actor, project, change)
  await checkReviewers(context.db, actor, project, change.defaultReviewerIds)
  await context.db.transaction(async (trx) => {
    await writeChange(trx, actor, project.id, change, expected)
    await appendEvent(trx, actor.orgId, { type: 'project.changed', projectId: project.id })
  })
  context.bus.wake(actor.orgId)
  context.outbox.nudge()
}
