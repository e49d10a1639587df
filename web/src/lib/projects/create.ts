import type { Call } from '@helix/contract/client'
import { HelixError } from '@helix/contract/errors'
import type { RepositoryId } from '@helix/contract/ids'
import { createProject, type Project } from '@helix/contract/projects'
import { createRepository, getFile } from '@helix/contract/repositories'

export type Source =
  | { kind: 'sample' }
  | { kind: 'empty' }
  | { kind: 'import'; from: string }
  | { kind: 'existing'; repositoryId: RepositoryId }

/** A repository name from what a person typed: lower case, digits, dashes. */
export function repositoryNameFrom(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return plain.slice(0, 60).replace(/-+$/, '') || 'repository'
}

/** A name that is taken gets a number behind it: the person named a project, not a repository. */
async function freshRepository(call: Call, name: string, source: Exclude<Source, { kind: 'existing' }>): Promise<RepositoryId> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await call(createRepository, { body: { name: attempt === 1 ? name : `${name}-${attempt}`, source } })).id
    } catch (error) {
      if (!(error instanceof HelixError) || error.code !== 'conflict' || attempt === 20) throw error
    }
  }
}

/** Whether the default branch has a helix.yaml at its root. */
async function hasConfig(call: Call, repositoryId: RepositoryId): Promise<boolean> {
  try {
    await call(getFile, { params: { repositoryId }, query: { path: 'helix.yaml' } })
    return true
  } catch (error) {
    if (error instanceof HelixError && error.code === 'not_found') return false
    throw error
  }
}

/** The repository first, then the project over it. `key` makes a second try of the same form find the first one's project. `config`: its settings are taken from helix.yaml if the
 * repository has one. */
export async function createProjectWith(call: Call, name: string, source: Source, key: string, config = false): Promise<Project> {
  const repositoryId = source.kind === 'existing' ? source.repositoryId : await freshRepository(call, repositoryNameFrom(name), source)
  const fromHelixYaml = config && (await hasConfig(call, repositoryId))
  return call(createProject, { body: { name, repositoryIds: [repositoryId], fromHelixYaml }, idempotencyKey: `${key}-${repositoryId}` })
}
