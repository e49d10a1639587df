import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { HelixError } from '@helix/contract/errors'
import express from 'express'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../context.ts'
import { createBareRepository } from '../git/create.ts'
import { gitRoutes } from '../git/routes.ts'
import type { ImportRules } from '../git/source.ts'
import { clientGit, commitFiles } from '../git/testing.ts'
import { openTestServer, type TestPerson, type TestServer } from '../git/testing-server.ts'
import { createRepositoryFrom, removeLeftovers } from './creation.ts'

let server: TestServer
let ada: TestPerson
beforeAll(async () => {
  server = await openTestServer()
  ada = await server.person()
})
afterAll(() => server[Symbol.asyncDispose]())

const rules = (more: Partial<ImportRules> = {}): ImportRules => ({
  allowLocal: true,
  dataDir: server.context.gitStorage.settings.dataDir,
  ...more,
})
const make = (name: string, from: string, given = rules()) =>
  createRepositoryFrom(server.context, ada.orgId, { name, source: { kind: 'import', from } }, given)
const failureOf = (made: Promise<unknown>): Promise<[string, string]> =>
  made.then(
    () => ['made', ''],
    (error: unknown) => (error instanceof HelixError ? [error.code, error.message] : ['unknown', String(error)]),
  )
const filesOf = () => readdirSync(join(server.context.gitStorage.root, ada.orgId))

async function makeSource(name: string): Promise<string> {
  const path = join(server.folder, name)
  await mkdir(path)
  await clientGit(path, 'init', '-q', '-b', 'trunk')
  await commitFiles(path, { 'a.txt': 'a' }, 'first')
  await clientGit(path, 'branch', 'side')
  await clientGit(path, 'tag', 'v1')
  return path
}

/** An https server with a certificate of its own; `handler` answers. */
async function openHttps(handler: express.RequestHandler) {
  const [key, caFile] = [join(server.folder, 'key.pem'), join(server.folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', caFile, ...subject], {
    stdio: 'ignore',
  })
  const https = createServer({ key: readFileSync(key), cert: readFileSync(caFile) }, express().use(handler))
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  return {
    caFile,
    port: (https.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      https.closeAllConnections()
      await new Promise((resolve) => https.close(resolve))
    },
  }
}

test('an import brings branches, tags and the default branch, and is nobody’s push', async () => {
  const source = await makeSource('source')
  const made = await make('imported', source)
  expect(made).toMatchObject({ name: 'imported', defaultBranch: 'trunk', importedFrom: source, clonePath: `/git/${ada.slug}/imported.git` })
  const refs = await server.db('repository_refs').where({ repository_id: made.id }).orderBy('ref').select('ref')
  expect(refs.map((row) => row.ref)).toEqual(['refs/heads/side', 'refs/heads/trunk', 'refs/tags/v1'])
  expect(await server.db('pushes').where({ repository_id: made.id })).toEqual([])
  await server.context.pushes.reconcile({ orgId: ada.orgId, repositoryId: made.id })
  expect(await server.db('pushes').where({ repository_id: made.id })).toEqual([])
})

test('nothing of the source runs: no hook, no configured command', async () => {
  const source = await makeSource('hostile')
  const marker = join(server.folder, 'ran')
  const script = join(source, 'run.sh')
  await writeFile(script, `#!/bin/sh\ntouch ${marker}\nexec "$@"\n`, { mode: 0o755 })
  for (const hook of ['pre-receive', 'post-checkout', 'reference-transaction', 'post-update', 'pre-auto-gc']) {
    await writeFile(join(source, '.git/hooks', hook), `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 })
  }
  for (const name of ['uploadpack.packObjectsHook', 'core.fsmonitor', 'core.sshCommand', 'core.alternateRefsCommand', 'core.pager']) {
    await clientGit(source, 'config', name, script)
  }
  await make('from-hostile', source)
  expect(existsSync(marker)).toBe(false)
})

test('of two with the same name at once, one is refused', async () => {
  const create = () => createRepositoryFrom(server.context, ada.orgId, { name: 'twice', source: { kind: 'sample' } })
  const outcomes = await Promise.all([failureOf(create()), failureOf(create())])
  expect(outcomes.map(([code]) => code).sort()).toEqual(['conflict', 'made'])
  expect((await failureOf(create()))[0]).toBe('conflict')
})

test('the sample has the same commits each time', async () => {
  const [one, two] = [await server.repository(ada, 'sample-1'), await server.repository(ada, 'sample-2')]
  const commits = await server.db('repository_refs').whereIn('repository_id', [one, two]).select('commit')
  expect(new Set(commits.map((row) => row.commit)).size).toBe(1)
})

test('what cannot be imported says why and leaves nothing', async () => {
  const before = filesOf()
  const refused: [string, string, RegExp][] = [
    ['http://example.com/x.git', 'invalid_request', /https URL/],
    ['ssh://git@example.com/x', 'invalid_request', /https URL/],
    ['git@example.com:x.git', 'invalid_request', /https URL/],
    ['ext::sh -c id', 'invalid_request', /https URL/],
    ['--upload-pack=id', 'invalid_request', /https URL/],
    ['https://', 'invalid_request', /not a valid https URL/],
    ['https://127.0.0.1/x.git', 'import_failed', /not an address of the public internet/],
    ['https://[::ffff:10.0.0.1]/x.git', 'import_failed', /not an address of the public internet/],
    ['https://0x7f000001/x.git', 'import_failed', /not an address of the public internet/],
    ['https://localhost:9/x.git', 'import_failed', /not an address of the public internet/],
    ['https://nowhere.invalid/x.git', 'import_failed', /was not found/],
    [join(server.folder, 'absent'), 'import_failed', /nothing to read/],
    [server.folder, 'import_failed', /does not appear to be a git repository/],
    [server.context.gitStorage.root, 'invalid_request', /data folder/],
  ]
  for (const [from, code, message] of refused) {
    const [gotCode, gotMessage] = await failureOf(make('refused', from))
    expect([gotCode, gotMessage], from).toEqual([code, expect.stringMatching(message)])
  }
  expect((await failureOf(make('refused', server.folder, rules({ allowLocal: false }))))[0]).toBe('invalid_request')
  expect(await server.db('repositories').where({ name: 'refused' })).toEqual([])
  expect(filesOf()).toEqual(before)
})

test('an https import uses its credentials once and never shows them', async () => {
  const lib = await server.repository(ada, 'lib')
  await using https = await openHttps(express.Router().use('/git', gitRoutes(server.context)))
  const trusting = rules({ addressAllowed: () => true, caFile: https.caFile })
  const url = (key: string) => `https://me:${key}@localhost:${https.port}/git/${ada.slug}/lib.git`
  const made = await make('by-https', url(ada.key), trusting)
  expect(made.importedFrom).toBe(`https://localhost:${https.port}/git/${ada.slug}/lib.git`)
  const repo = { orgId: ada.orgId, repositoryId: made.id }
  expect(await server.context.git.resolveCommit(repo, 'main')).toBe(
    await server.context.git.resolveCommit({ ...repo, repositoryId: lib }, 'main'),
  )
  // grep answers 1 when it finds nothing.
  expect(spawnSync('grep', ['-rqF', ada.key, server.context.gitStorage.folderOf(repo)]).status).toBe(1)
  const [code, message] = await failureOf(make('refused', url('hx_this-is-wrong'), trusting))
  expect(code).toBe('import_failed')
  expect(message).not.toContain('this-is-wrong')
})

test('a redirect is not followed', async () => {
  await using https = await openHttps((_request, response) => response.redirect('https://127.0.0.1:1/inner.git'))
  const [code, message] = await failureOf(
    make('redirected', `https://localhost:${https.port}/x.git`, rules({ addressAllowed: () => true, caFile: https.caFile })),
  )
  expect(code).toBe('import_failed')
  expect(message).toContain('302')
})

test('an import that is too large or too slow is broken off', async () => {
  const source = await makeSource('large')
  await commitFiles(source, { 'big.bin': Buffer.alloc(3_000_000, 1) }, 'big')
  const from = { location: source, shown: source, protocol: 'file' as const, env: {}, secrets: [] }
  const begin = (limits: { deadlineMs: number; maxBytes: number }) =>
    failureOf(
      createBareRepository(
        server.context.gitStorage,
        { orgId: ada.orgId, repositoryId: newId('repository') },
        { kind: 'import', source: from },
        limits,
      ),
    )
  const before = filesOf()
  expect(await begin({ deadlineMs: 60_000, maxBytes: 100 })).toEqual(['import_failed', expect.stringContaining('larger than')])
  expect((await begin({ deadlineMs: 1, maxBytes: 1e9 }))[0]).toBe('import_failed')
  expect(filesOf()).toEqual(before)
})

test('what a dead process left half made goes away and frees its name', async () => {
  const left = { orgId: ada.orgId, repositoryId: newId('repository') }
  const row = { id: left.repositoryId, org_id: ada.orgId, name: 'half', default_branch: 'main', state: 'creating' }
  await server.db('repositories').insert({ ...row, created_at: new Date(Date.now() - 120_000) })
  const draft = join(server.context.gitStorage.root, ada.orgId, `.creating-${left.repositoryId}`)
  await mkdir(draft)
  await writeFile(join(draft, 'helix-owner'), 'another-machine 1\n')
  await removeLeftovers(server.context)
  expect(existsSync(draft)).toBe(true)
  await writeFile(join(draft, 'helix-owner'), `${hostname()} ${process.pid}\n`)
  await removeLeftovers(server.context)
  expect(existsSync(draft)).toBe(false)
  expect((await failureOf(createRepositoryFrom(server.context, ada.orgId, { name: 'half', source: { kind: 'empty' } })))[0]).toBe('made')
})
