import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@helix/contract/client'
import { HelixError } from '@helix/contract/errors'
import type { RepositoryId } from '@helix/contract/ids'
import {
  createRepository,
  getFile,
  getRepository,
  getTree,
  listBranches,
  listCommits,
  listRepositories,
} from '@helix/contract/repositories'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { clientGit, commitFiles } from '../git/testing.ts'
import { openTestServer, type TestPerson, type TestServer } from '../git/testing-server.ts'

let server: TestServer
let ada: TestPerson
let repositoryId: RepositoryId
beforeAll(async () => {
  server = await openTestServer()
  ada = await server.person()
  repositoryId = await server.repository(ada, 'lib')
})
afterAll(() => server[Symbol.asyncDispose]())

const as = (person: TestPerson) => createClient({ baseUrl: server.url, token: person.key })
const codeOf = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof HelixError ? error.code : String(error)),
  )

test('a tree, its folders and its files are read at the default branch', async () => {
  const call = as(ada)
  const params = { repositoryId }
  const root = await call(getTree, { params, query: {} })
  expect(root.ref).toBe('main')
  expect(root.entries.map((entry) => `${entry.kind} ${entry.name}`)).toEqual([
    'folder src',
    'folder test',
    'file .gitignore',
    'file README.md',
    'file package.json',
  ])
  const src = await call(getTree, { params, query: { path: 'src', ref: root.commit ?? '' } })
  expect(src.entries.map((entry) => entry.name)).toEqual(['index.js', 'slugify.js', 'truncate.js', 'word-count.js'])
  const file = await call(getFile, { params, query: { path: 'src/index.js' } })
  expect(file).toMatchObject({ commit: root.commit, sizeBytes: file.text?.length, text: expect.stringContaining('slugify') })
})

test('a repository without commits has an empty tree and no file', async () => {
  const call = as(ada)
  const { id } = await call(createRepository, { body: { name: 'empty', source: { kind: 'empty' } } })
  const params = { repositoryId: id }
  expect(await call(getTree, { params, query: {} })).toMatchObject({ commit: null, entries: [] })
  expect(await call(listCommits, { params, query: {} })).toEqual({ items: [], nextCursor: null })
  expect(await call(listBranches, { params })).toEqual({ items: [], nextCursor: null })
  expect(await codeOf(call(getFile, { params, query: { path: 'a' } }))).toBe('not_found')
})

test('commits come in pages that a push does not shift', async () => {
  const call = as(ada)
  const id = await server.repository(ada, 'paged')
  const params = { repositoryId: id }
  const first = await call(listCommits, { params, query: { limit: 2 } })
  expect(first.items.map((commit) => commit.subject)).toEqual(['Say what it does', 'Add truncate and wordCount'])
  const folder = join(server.folder, 'paging')
  await mkdir(folder)
  await clientGit(folder, 'clone', '-q', server.cloneUrl(ada, 'paged', ada.key), '.')
  await commitFiles(folder, { 'src/new.js': '' }, 'newer')
  await clientGit(folder, 'push', '-q', 'origin', 'main', 'main:side')
  const second = await call(listCommits, { params, query: { limit: 2, cursor: first.nextCursor ?? '' } })
  expect(second).toMatchObject({ items: [{ subject: 'Start with slugify', parents: [] }], nextCursor: null })
  const ofFile = await call(listCommits, { params, query: { path: 'src/new.js' } })
  expect(ofFile.items.map((commit) => commit.subject)).toEqual(['newer'])
  const branches = await call(listBranches, { params })
  expect(branches.items.map((branch) => [branch.name, branch.commit.subject])).toEqual([
    ['main', 'newer'],
    ['side', 'newer'],
  ])
})

test('nonsense is refused and what is not there is not found', async () => {
  const call = as(ada)
  const params = { repositoryId }
  for (const path of ['../x', 'a/../b', '/etc/passwd', 'a//b', './a', 'a\u0000b']) {
    expect(await codeOf(call(getFile, { params, query: { path } })), path).toBe('invalid_request')
    expect(await codeOf(call(getTree, { params, query: { path } })), path).toBe('invalid_request')
  }
  for (const path of ['absent', 'src', 'README.md/x', ':/src', '--help', '*.js', ':(glob)**']) {
    expect(await codeOf(call(getFile, { params, query: { path } })), path).toBe('not_found')
  }
  for (const ref of ['nowhere', '--all', 'main~1', 'HEAD', '@', '0'.repeat(40)]) {
    expect(await codeOf(call(getTree, { params, query: { ref } })), ref).toBe('not_found')
  }
  expect(await codeOf(call(getTree, { params, query: { ref: 'main\u0000' } }))).toBe('invalid_request')
  expect(await codeOf(call(listCommits, { params, query: { cursor: '--all.3' } }))).toBe('invalid_request')
  expect(await codeOf(call(listCommits, { params, query: { cursor: `${'0'.repeat(40)}.3` } }))).toBe('not_found')
  for (const name of ['', 'Upper', '../x', 'x.git', '.x', 'a..b', 'a b', 'a\u0000']) {
    expect(await codeOf(call(createRepository, { body: { name, source: { kind: 'sample' } } })), name).toBe('invalid_request')
  }
})

test('lists show the own organisation, in pages, and nothing to a stranger', async () => {
  const eve = await server.person()
  await server.repository(eve, 'hers')
  const mine = await as(ada)(listRepositories, { query: { limit: 2 } })
  expect(mine.items).toHaveLength(2)
  const rest = await as(ada)(listRepositories, { query: { cursor: mine.nextCursor ?? '' } })
  expect([...mine.items, ...rest.items].map((one) => one.name)).toEqual(['lib', 'empty', 'paged'])
  const params = { repositoryId }
  for (const endpoint of [getRepository, getTree, listBranches, listCommits]) {
    expect(await codeOf(as(eve)(endpoint, { params, query: {} } as never)), endpoint.path).toBe('not_found')
  }
  expect(await codeOf(as(eve)(getFile, { params, query: { path: 'README.md' } }))).toBe('not_found')
  expect(await codeOf(as(ada)(getRepository, { params: { repositoryId: newId('repository') } }))).toBe('not_found')
  const reader = await server.person('viewer', ada)
  expect(await codeOf(as(reader)(createRepository, { body: { name: 'no', source: { kind: 'empty' } } }))).toBe('forbidden')
})
