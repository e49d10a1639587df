import { HelixError } from '@helix/contract/errors'
import {
  createRepository,
  getFile,
  getRepository,
  getTree,
  listBranches,
  listCommits,
  listRepositories,
} from '@helix/contract/repositories'
import { Router } from 'express'
import { visibleRepositories } from '../access/store.ts'
import type { Context } from '../context.ts'
import { readBlob, readTree } from '../git/tree.ts'
import { mount } from '../http/mount.ts'
import { getPlace, getRepositoryOf, listBranchesOf, listCommitsAt } from './browse.ts'
import { createRepositoryFrom } from './creation.ts'
import { RepositoryStore } from './store.ts'

export function repositoryRoutes(context: Context): Router {
  const router = Router()
  const store = new RepositoryStore(context.db)

  mount(router, context, listRepositories, async ({ query, actor }) => {
    const items = await store.list(actor.orgId, await visibleRepositories(context.db, actor), query.limit, query.cursor)
    return { items, nextCursor: items.length === query.limit ? (items.at(-1)?.id ?? null) : null }
  })

  mount(router, context, createRepository, ({ body, actor }) => createRepositoryFrom(context, actor.orgId, body))

  mount(router, context, getRepository, ({ params, actor }) => getRepositoryOf(context, actor.orgId, params.repositoryId))

  mount(router, context, listBranches, async ({ params, actor }) => ({
    items: await listBranchesOf(context, actor.orgId, params.repositoryId),
    nextCursor: null,
  }))

  mount(router, context, getTree, async ({ params, query, actor }) => {
    const { ref, commit, gitDir } = await getPlace(context, actor.orgId, params.repositoryId, query.ref)
    if (commit === null) return { ref, commit, path: query.path, entries: [] }
    const entries = await readTree(context.gitStorage.git, gitDir, commit, query.path)
    if (entries === null) throw new HelixError('not_found', 'There is no such folder.')
    return { ref, commit, path: query.path, entries }
  })

  mount(router, context, getFile, async ({ params, query, actor }) => {
    const { ref, commit, gitDir } = await getPlace(context, actor.orgId, params.repositoryId, query.ref)
    const file = commit === null || query.path === '' ? null : await readBlob(context.gitStorage.git, gitDir, commit, query.path)
    if (commit === null || file === null) throw new HelixError('not_found', 'There is no such file.')
    return { ref, commit, path: query.path, ...file }
  })

  mount(router, context, listCommits, async ({ params, query, actor }) => {
    const place = await getPlace(context, actor.orgId, params.repositoryId, query.ref)
    return listCommitsAt(context, place, { path: query.path, cursor: query.cursor, limit: query.limit })
  })

  return router
}
