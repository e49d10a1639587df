import type { BodyOf } from '@helix/contract/endpoint'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, RepositoryId } from '@helix/contract/ids'
import type { createRepository, Repository } from '@helix/contract/repositories'
import type { Context } from '../context.ts'
import { appendEvent } from '../events/store.ts'
import { createBareRepository, isBeingCreated, type Origin, removeBareRepository } from '../git/create.ts'
import { checkSource, type ImportRules } from '../git/source.ts'
import { gitStore } from '../git/store.ts'
import { type Leftover, RepositoryStore } from './store.ts'

type Wanted = BodyOf<typeof createRepository>

const rulesOf = (context: Context): ImportRules => ({
  allowLocal: context.config.HELIX_ALLOW_LOCAL_IMPORT === '1',
  dataDir: context.config.HELIX_DATA_DIR,
})

async function originOf(source: Wanted['source'], rules: ImportRules): Promise<Origin> {
  return source.kind === 'import' ? { kind: 'import', source: await checkSource(source.from, rules) } : { kind: source.kind }
}

/** Takes the name first and fills the repository after, so that of two with the same name one is refused at once. */
export async function createRepositoryFrom(context: Context, orgId: OrgId, wanted: Wanted, rules = rulesOf(context)): Promise<Repository> {
  const store = new RepositoryStore(context.db)
  const origin = await originOf(wanted.source, rules)
  const repositoryId = context.newId('repository')
  const { running } = context.gitStorage
  running.add(repositoryId)
  try {
    await takeName(context, store, orgId, repositoryId, wanted.name, origin.kind === 'import' ? origin.source.shown : null)
    await fillAndShow(context, store, { orgId, repositoryId }, origin)
  } finally {
    running.delete(repositoryId)
  }
  const created = await store.find(orgId, repositoryId)
  if (created === null) throw new HelixError('not_found')
  return created
}

async function takeName(
  context: Context,
  store: RepositoryStore,
  orgId: OrgId,
  id: RepositoryId,
  name: string,
  importedFrom: string | null,
): Promise<void> {
  if (await store.insertCreating(orgId, id, name, importedFrom)) return
  const leftover = await store.findCreating(orgId, name)
  if (leftover !== null && (await removeLeftover(context, store, leftover))) {
    if (await store.insertCreating(orgId, id, name, importedFrom)) return
  }
  throw new HelixError('conflict', `There is a repository "${name}" already, or it is being made.`)
}

async function fillAndShow(context: Context, store: RepositoryStore, repo: { orgId: OrgId; repositoryId: RepositoryId }, origin: Origin) {
  try {
    const { defaultBranch, refs } = await createBareRepository(context.gitStorage, repo, origin)
    await context.db.transaction(async (trx) => {
      if (!(await store.markReady(trx, repo.orgId, repo.repositoryId, defaultBranch))) throw new HelixError('conflict')
      await gitStore.insertRefs(trx, repo, refs)
      await appendEvent(trx, repo.orgId, { type: 'repository.created', repositoryId: repo.repositoryId })
    })
  } catch (error) {
    // The first error is the one to answer with; what cannot be removed now is removed at the next start.
    await removeHalf(context, store, repo).catch((also) => context.log.warn({ err: also, ...repo }, 'half a repository was left behind'))
    throw error
  }
  context.bus.wake(repo.orgId)
}

async function removeHalf(context: Context, store: RepositoryStore, repo: { orgId: OrgId; repositoryId: RepositoryId }): Promise<void> {
  await removeBareRepository(context.gitStorage, repo)
  await store.removeCreating(repo.orgId, repo.repositoryId)
}

/** False while somebody may still be making it. */
async function removeLeftover(context: Context, store: RepositoryStore, leftover: Leftover): Promise<boolean> {
  if (await isBeingCreated(context.gitStorage, leftover, leftover.ageMs)) return false
  await removeHalf(context, store, leftover)
  return true
}

/** At start: what a dead process left half made goes away, and its name is free again. */
export async function removeLeftovers(context: Context): Promise<void> {
  const store = new RepositoryStore(context.db)
  for (const leftover of await store.listCreating()) await removeLeftover(context, store, leftover)
}
