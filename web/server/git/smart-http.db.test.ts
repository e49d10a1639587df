import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientGit, commitFiles } from './testing.ts'
import { openTestServer, type TestPerson, type TestServer } from './testing-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await openTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

let scenes = 0

/** An organisation of its own with a repository, on the one server. */
async function openScene(kind: 'sample' | 'empty' = 'sample') {
  const ada = await server.person()
  const repositoryId = await server.repository(ada, 'lib', kind)
  const repo = { orgId: ada.orgId, repositoryId }
  const bare = server.context.gitStorage.folderOf(repo)
  const folder = join(server.folder, `scene${++scenes}`)
  await mkdir(folder)
  const clone = async (name: string, token = ada.key, ...options: string[]): Promise<string> => {
    await clientGit(folder, 'clone', '-q', ...options, server.cloneUrl(ada, 'lib', token), name)
    return join(folder, name)
  }
  const pushes = () => server.db('pushes').where({ repository_id: repositoryId }).orderBy('created_at').select('*')
  const events = () => server.db('events').where({ org_id: ada.orgId, type: 'repository.pushed' }).select('payload')
  const refs = () => server.db('repository_refs').where({ repository_id: repositoryId }).orderBy('ref').select('ref', 'commit')
  return { ada, repositoryId, repo, bare, clone, pushes, events, refs }
}

const refusal = (pushed: Promise<string>): Promise<string> =>
  pushed.then(
    () => 'accepted',
    (error: { stderr: string }) => error.stderr,
  )

test('a clone, a commit and a push; the push is recorded with its commits and an event', async () => {
  const scene = await openScene()
  const work = await scene.clone('work')
  const old = await clientGit(work, 'rev-parse', 'HEAD')
  const head = await commitFiles(work, { 'new.txt': 'new\n' }, 'say "hello"')
  await clientGit(work, 'push', '-q', 'origin', 'main')
  expect(await server.context.git.resolveCommit(scene.repo, 'main')).toBe(head)
  const [push, ...more] = await scene.pushes()
  expect(more).toEqual([])
  expect(push).toMatchObject({ ref: 'refs/heads/main', old_commit: old, new_commit: head, user_id: scene.ada.userId, session_id: null })
  expect(push.commits).toMatchObject([{ hash: head, subject: 'say "hello"', authorName: 'Ada' }])
  expect((await scene.events()).map((event) => event.payload)).toMatchObject([{ pushId: push.id, branch: 'main', commit: head }])
  expect(await scene.refs()).toEqual([{ ref: 'refs/heads/main', commit: head }])
})

test('an empty repository is cloned and takes its first push', async () => {
  const scene = await openScene('empty')
  const work = await scene.clone('work')
  const head = await commitFiles(work, { 'a.txt': 'a\n' }, 'first')
  await clientGit(work, 'push', '-q', 'origin', 'HEAD:main')
  expect(await scene.pushes()).toMatchObject([{ ref: 'refs/heads/main', old_commit: null, new_commit: head }])
})

test('the first branch a person pushes to an empty repository becomes its default', async () => {
  const scene = await openScene('empty')
  const session = await server.session(scene.ada, scene.repositoryId, 'feature/x')
  const work = await scene.clone('work', session.token)
  await commitFiles(work, { 'a.txt': 'a\n' }, 'first')
  await clientGit(work, 'push', '-q', 'origin', 'HEAD:feature/x')
  const push = (...refs: string[]) => clientGit(work, 'push', '-q', server.cloneUrl(scene.ada, 'lib', scene.ada.key), ...refs)
  const defaultBranch = async () => (await server.db('repositories').where({ id: scene.repositoryId }).first()).default_branch
  await push('HEAD:helix-specs')
  expect(await defaultBranch()).toBe('main')
  await push('HEAD:trunk')
  expect(await defaultBranch()).toBe('trunk')
  await push('HEAD:other')
  expect(await defaultBranch()).toBe('trunk')
  expect(await clientGit(await scene.clone('again'), 'branch', '--show-current')).toBe('trunk')
})

test('shallow and partial clones work, and both protocols', async () => {
  const scene = await openScene()
  const shallow = await scene.clone('shallow', scene.ada.key, '--depth', '1')
  expect(await clientGit(shallow, 'rev-list', '--count', 'HEAD')).toBe('1')
  const partial = await scene.clone('partial', scene.ada.key, '--filter=blob:none')
  expect(await clientGit(partial, 'rev-list', '--count', 'HEAD')).toBe('3')
  const old = await scene.clone('old', scene.ada.key, '-c', 'protocol.version=0')
  expect(await clientGit(old, 'rev-list', '--count', 'HEAD')).toBe('3')
})

test('main and helix-specs are never forced or deleted; other branches and tags are free to people', async () => {
  const scene = await openScene()
  const work = await scene.clone('work')
  await clientGit(work, 'push', '-q', 'origin', 'HEAD:helix-specs', 'HEAD:other', 'HEAD:refs/tags/v1')
  await clientGit(work, 'reset', '-q', '--hard', 'HEAD~1')
  await commitFiles(work, { 'x.txt': 'x' }, 'another way')
  const push = (...args: string[]) => refusal(clientGit(work, 'push', 'origin', ...args))
  expect(await push('+HEAD:main')).toContain('helix: refs/heads/main may not be force pushed: fetch, merge or rebase onto it')
  expect(await push('+HEAD:helix-specs')).toContain('helix: refs/heads/helix-specs may not be force pushed')
  expect(await push(':helix-specs')).toContain('helix: refs/heads/helix-specs may not be deleted')
  expect(await push(':main')).toMatch(/may not be deleted|deletion of the current branch/)
  expect(await push('HEAD:refs/notes/x')).toContain('helix: refs/notes/x is neither a branch nor a tag')
  expect(await scene.pushes()).toHaveLength(3)
  expect(await push('+HEAD:other', ':refs/tags/v1')).toBe('accepted')
  expect((await scene.refs()).map((row) => row.ref)).toEqual(['refs/heads/helix-specs', 'refs/heads/main', 'refs/heads/other'])
  expect(await scene.pushes()).toHaveLength(5)
})

test('a session pushes its own branch and helix-specs and nothing else', async () => {
  const scene = await openScene()
  const session = await server.session(scene.ada, scene.repositoryId, 'feature/000001-x')
  const work = await scene.clone('work', session.token)
  const push = (...args: string[]) => refusal(clientGit(work, 'push', 'origin', ...args))
  await commitFiles(work, { 'x.txt': 'x' }, 'work')
  expect(await push('HEAD:main')).toContain(
    'helix: this session may not push refs/heads/main: push to refs/heads/feature/000001-x instead.',
  )
  expect(await push('HEAD:refs/tags/v1')).toContain('may not push refs/tags/v1')
  expect(await push('HEAD:feature/000001-x', 'HEAD:main')).toContain('may not push refs/heads/main')
  expect(await scene.pushes()).toEqual([])
  expect(await push('HEAD:feature/000001-x', 'HEAD:helix-specs')).toBe('accepted')
  await clientGit(work, 'reset', '-q', '--hard', 'HEAD~1')
  await commitFiles(work, { 'y.txt': 'y' }, 'again')
  expect(await push('+HEAD:feature/000001-x')).toBe('accepted')
  expect(await push('+HEAD:helix-specs')).toContain('may not be force pushed')
  expect(await push(':feature/000001-x')).toContain('may not be deleted by a session')
  const rows = await scene.pushes()
  expect(rows.map((row) => row.session_id)).toEqual(Array(3).fill(session.sessionId))
})

test('a branch that the project protects is closed to its sessions, even their own, and open to people', async () => {
  const scene = await openScene()
  const session = await server.session(scene.ada, scene.repositoryId, 'release/1.0')
  await server
    .db('projects')
    .where({ org_id: scene.ada.orgId })
    .update({ protected_branches: JSON.stringify(['hotfix', 'release/*']) })
  const work = await scene.clone('work', session.token)
  await commitFiles(work, { 'a.txt': 'a\n' }, 'a')
  const push = (...refspec: string[]) => refusal(clientGit(work, 'push', '-q', 'origin', ...refspec))
  expect(await push('HEAD:release/1.0')).toContain(
    'refs/heads/release/1.0 is a protected branch of the project (release/*): no agent may push it.',
  )
  expect(await push('HEAD:helix-specs')).toBe('accepted')
  const people = await scene.clone('people')
  await commitFiles(people, { 'b.txt': 'b\n' }, 'b')
  expect(await refusal(clientGit(people, 'push', '-q', 'origin', 'HEAD:release/1.0'))).toBe('accepted')
})

test('a session reaches the repositories of its own project only, and nothing once it is stopped', async () => {
  const scene = await openScene()
  const other = await server.repository(scene.ada, 'other')
  const session = await server.session(scene.ada, other, 'feature/x')
  expect(await refusal(scene.clone('a', session.token))).toContain('not found')
  const mine = await server.session(scene.ada, scene.repositoryId, 'feature/y')
  await server.db('agent_sessions').where({ id: mine.sessionId }).update({ state: 'stopped' })
  expect(await refusal(scene.clone('b', mine.token))).toContain('Authentication failed')
})

test('strangers, wrong tokens and readers are told apart', async () => {
  const scene = await openScene()
  const bob = await server.person()
  const path = (org: TestPerson, name = 'lib') => `${server.url}/git/${org.slug}/${name}.git/info/refs`
  const ask = async (url: string, token?: string, service = 'git-upload-pack') => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`${url}?service=${service}`, { headers })
    return [response.status, response.headers.get('www-authenticate')?.split(' ')[0] ?? null]
  }
  expect(await ask(path(scene.ada))).toEqual([401, 'Basic'])
  expect(await ask(path(scene.ada), 'hx_wrong')).toEqual([401, 'Basic'])
  expect(await ask(path(scene.ada), bob.key)).toEqual([404, null])
  expect(await ask(path(bob), bob.key)).toEqual([404, null])
  expect(await ask(path(scene.ada, 'nothing'), scene.ada.key)).toEqual([404, null])
  expect(await ask(path(scene.ada), scene.ada.key)).toEqual([200, null])
  const reader = await server.person('viewer', scene.ada)
  expect(await ask(path(scene.ada), reader.key)).toEqual([200, null])
  expect(await ask(path(scene.ada), reader.key, 'git-receive-pack')).toEqual([403, null])
  expect(await ask(path(scene.ada), scene.ada.key, 'git-upload-archive')).toEqual([400, null])
  const userName = Buffer.from(`${scene.ada.key}:`).toString('base64')
  const basic = await fetch(`${path(scene.ada)}?service=git-upload-pack`, { headers: { authorization: `Basic ${userName}` } })
  expect(basic.status).toBe(200)
})

test('of two concurrent pushes to one branch, one wins and both stories are true', async () => {
  const scene = await openScene()
  const [one, two] = [await scene.clone('one'), await scene.clone('two')]
  const heads = [await commitFiles(one, { 'a.txt': 'a' }, 'a'), await commitFiles(two, { 'b.txt': 'b' }, 'b')]
  const outcomes = await Promise.all([one, two].map((work) => refusal(clientGit(work, 'push', '-q', 'origin', 'main'))))
  expect(outcomes.filter((outcome) => outcome === 'accepted')).toHaveLength(1)
  const winner = heads[outcomes.indexOf('accepted')]
  expect(await scene.pushes()).toMatchObject([{ new_commit: winner }])
  expect(await clientGit(scene.bare, 'rev-parse', 'main')).toBe(winner)
})

test('ten clients pushing at once to ten branches give ten events', async () => {
  const scene = await openScene()
  const works: string[] = []
  for (let index = 0; index < 10; index++) works.push(await scene.clone(`w${index}`))
  for (const [index, work] of works.entries()) await commitFiles(work, { [`${index}.txt`]: 'x' }, `work ${index}`)
  await Promise.all(works.map((work, index) => clientGit(work, 'push', '-q', 'origin', `HEAD:b${index}`)))
  expect(await scene.pushes()).toHaveLength(10)
  expect(await scene.events()).toHaveLength(10)
})

test('bodies of nonsense, zipped or not, are refused and leave nothing running', async () => {
  const scene = await openScene()
  const post = (service: string, body: Buffer, encoding?: string) =>
    fetch(`${server.url}/git/${scene.ada.slug}/lib.git/${service}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${scene.ada.key}`,
        'content-type': `application/x-${service}-request`,
        ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
      },
      body: new Uint8Array(body),
    })
  expect((await post('git-upload-pack', Buffer.from('zzzz nonsense'))).status).toBeGreaterThanOrEqual(400)
  expect((await post('git-upload-pack', Buffer.from('not gzip'), 'gzip')).status).toBe(400)
  const large = await post('git-upload-pack', gzipSync(Buffer.alloc(80 * 1024 * 1024)), 'gzip')
  expect(large.status).toBeGreaterThanOrEqual(400)
  await large.text()
  expect(server.context.gitStorage.running.size).toBe(0)
  expect(await clientGit(scene.bare, 'fsck')).toBe('')
})
