import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProjectId, RepositoryId, SessionId } from '@helix/contract/ids'
import { typeid } from 'typeid-js'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Context } from '../src/context.ts'
import { archiveOf } from '../src/engine/archive.ts'
import { plainContainer } from '../src/engine/plain-container.ts'
import { cacheLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession } from '../src/sessions/stop.ts'
import { type GitServer, inRepository, makeRepository, startGitServer } from './session/git-server.ts'
import { openWorld, type World } from './world.ts'

let world: World
let host: Context
let git: GitServer
let folder: string
const orgId = typeid('org').toString() as never
const repository = () => join(folder, 'large.git')
const id = typeid('repo').toString() as RepositoryId

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'helix-clones-'))
  makeRepository(repository(), { 'README.md': '# Large\n', 'data.txt': randomBytes(36 * 1024 ** 2).toString('base64') })
  git = await startGitServer(folder)
  git.tokens.add('hs_git')
  world = await openWorld()
  host = await world.boot()
})
afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await git[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})
beforeEach(() => {
  const at = { clonePath: '/git/large.git', defaultBranch: 'main', baseBranch: 'main', branch: 'session/one', primary: true }
  world.plane.spec = {
    orgId,
    projectId: typeid('prj').toString() as ProjectId,
    controlPlaneUrl: `http://host.docker.internal:${git.port}`,
    token: 'hs_git',
    repositories: [{ id, name: 'large', ...at }],
  }
})

const kept = async () => (await world.engine.listVolumes(cacheLabels(host.owner, 'clones'))).map(({ name }) => name).toSorted()

async function start(): Promise<{ sessionId: SessionId; stages: string[]; run(command: string): Promise<string> }> {
  const sessionId = world.plane.addSession()
  await startSession(host, { sessionId, epoch: 0, reason: 'test' }, new AbortController().signal)
  const address = host.registry.find(sessionId)?.address
  const headers = { authorization: `Bearer ${'m'.repeat(40)}`, 'content-type': 'application/json' }
  const run = async (command: string): Promise<string> => {
    const body = JSON.stringify({ command: `cd /workspace/large; ${command}`, timeoutMs: 60_000 })
    const answer = (await (await fetch(`http://${address}/exec`, { method: 'POST', headers, body })).json()) as {
      stdout: string
      stderr: string
    }
    return answer.stdout + answer.stderr
  }
  return { sessionId, stages: (world.plane.starts.at(-1)?.stages ?? []).map(({ name }) => name), run }
}

const whole =
  'git fsck --connectivity-only 2>&1 | grep -v dangling; git log -1 --format=%s; ls .git/objects/info/alternates /workspace/.mirrors 2>&1 | grep -c "No such"'

test('a large repository is copied from an earlier session’s clone and fetched up to date, for sessions of the same project alone', async () => {
  const first = await start()
  expect(first.stages).not.toContain('clones of the project')
  expect(await kept()).toHaveLength(1)
  const packs = await first.run('ls .git/objects/pack/*.pack')
  inRepository(
    repository(),
    'update-ref',
    'refs/heads/main',
    inRepository(repository(), 'commit-tree', 'main^{tree}', '-p', 'main', '-m', 'newer'),
  )
  const second = await start()
  expect(second.stages).toContain('clones of the project')
  expect(await second.run(whole)).toBe('newer\n2\n')
  expect(await second.run('ls .git/objects/pack/*.pack; git status --short')).toContain(packs)
  expect(await second.run('touch .git/objects/pack/mine && git commit -q --allow-empty -m own && git log -1 --format=%s')).toBe('own\n')
  const [volume] = await kept()
  expect(await kept()).toEqual([volume])
  world.plane.spec = { ...world.plane.spec, projectId: typeid('prj').toString() as ProjectId }
  const other = await start()
  expect(other.stages).not.toContain('clones of the project')
  for (const { sessionId } of [first, second, other]) await removeSession(host, sessionId)
})

test('nothing is taken where an agent was, and a copy that is damaged costs a clone and no more', async () => {
  const before = await kept()
  world.plane.spec = { ...world.plane.spec, kept: { last: 0, from: null, turn: { promptId: typeid('prm').toString(), end: null } } }
  const late = await start()
  expect(await kept()).toEqual(before)
  world.plane.spec = { ...world.plane.spec, kept: { last: 0, from: null, turn: null } }
  const first = await start()
  const [volume = ''] = (await kept()).filter((name) => !before.includes(name))
  const [pack = ''] = /pack-[0-9a-f]+/.exec(await first.run('ls .git/objects/pack/*.pack')) ?? []
  const files = ['pack', 'idx'].map((kind) => ({ path: `objects/pack/${pack}.${kind}`, content: 'of no use', mode: 0o444 }))
  const container = await world.engine.createContainer(
    plainContainer({
      name: `${volume}-spoil`,
      image: host.config.session.image,
      labels: {},
      volumes: [{ volume, path: '/spoiled', readOnly: false }],
    }),
  )
  await world.engine.putArchive(container, '/spoiled', await archiveOf(files))
  await world.engine.removeContainer(container)
  const second = await start()
  expect(second.stages).toContain('clones of the project')
  expect(await second.run(whole)).toBe('newer\n2\n')
  for (const { sessionId } of [late, first, second]) await removeSession(host, sessionId)
  expect(await host.clones.evict('disk')).toBeGreaterThan(30_000_000)
})
