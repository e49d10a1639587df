import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PromptId } from '@helix/contract/ids'
import type { KeptCheckpoint } from '@helix/contract/sessions'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionLabels } from '../src/sessions/names.ts'
import { startSession } from '../src/sessions/start.ts'
import { removeSession, suspendSession } from '../src/sessions/stop.ts'
import { runTurn, type TurnCaller } from '../src/sessions/turn.ts'
import { type GitServer, inRepository, makeRepository, startGitServer } from './session/git-server.ts'
import { openWorld, packOf, removeEverything, until, type World } from './world.ts'

let world: World
let folder: string
let repository: string
let server: GitServer
beforeAll(async () => {
  world = await openWorld(packOf('./session/remembering-agent.mjs'))
  folder = await mkdtemp(join(tmpdir(), 'helix-hosts-'))
  repository = join(folder, 'repositories', 'sample.git')
  makeRepository(repository, { 'README.md': '# Sample\n' })
  server = await startGitServer(join(folder, 'repositories'))
})
afterAll(async () => {
  await removeEverything(world.engine, `${world.installation}-2`, `${world.installation}-2-nothing`)
  await world[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const forever = new AbortController().signal
const waiting: TurnCaller = { signal: forever, cancelRequested: () => false, beat: () => undefined }

test('a session whose host is lost in the middle of a turn goes on on another host from its newest checkpoint', async () => {
  const { plane, engine, installation } = world
  const one = await world.boot()
  const sessionId = plane.addSession()
  const token = (epoch: number): void => {
    server.tokens.clear()
    server.tokens.add(`hs_${epoch}`)
  }
  const branch = `session/${sessionId}`
  const repositories = [{ name: 'sample', clonePath: '/git/sample.git', defaultBranch: 'main', baseBranch: 'main', branch, primary: true }]
  plane.spec = { controlPlaneUrl: `http://host.docker.internal:${server.port}`, repositories }
  token(1)
  await startSession(one, { sessionId, epoch: 0, reason: 'test' }, forever)
  const first = plane.addPrompt('run: git commit -qm local --allow-empty; echo half > new.txt') as PromptId
  expect(await runTurn(one, { sessionId, epoch: 1, promptId: first }, waiting)).toMatchObject({ outcome: 'end_turn' })
  const second = plane.addPrompt('hang') as PromptId
  const lost = expect(runTurn(one, { sessionId, epoch: 1, promptId: second }, waiting)).rejects.toMatchObject({ type: 'SessionLost' })
  const heard = () => plane.journalOf(sessionId).filter(({ payload }) => payload.kind === 'chunk').length === 2
  await until(heard, 60_000)
  // The machine goes at once, with all that is on it.
  for (const { id } of await engine.listContainers(sessionLabels(one.owner, sessionId))) await engine.killContainer(id)
  await lost
  await one.close()

  const kept = plane.journalOf(sessionId).flatMap(({ payload }): KeptCheckpoint[] => (payload.kind === 'checkpoint' ? [payload] : []))[0]
  if (kept === undefined) throw new Error('nothing was kept')
  // Another installation's name: on one engine its volumes are elsewhere, as another machine's are.
  const two = await world.boot({ HELIX_INSTALLATION: `${installation}-2`, HELIX_DATA_DIR: join(folder, 'two') })
  expect(two.identity.hostId).not.toBe(one.identity.hostId)
  plane.row(sessionId).hostId = null
  plane.spec.kept = { last: kept.n, from: { ...kept, sessionId, at: new Date().toISOString() }, turn: { promptId: second, end: null } }
  token(2)
  expect(await startSession(two, { sessionId, epoch: 1, reason: 'the host was lost' }, forever)).toEqual({ epoch: 2 })
  const inside = two.registry.find(sessionId)?.containerId ?? ''
  expect(inside).not.toBe('')
  const third = plane.addPrompt(
    'run: git status --porcelain > /tmp/status; git rev-parse HEAD >> /tmp/status; cat new.txt >> /tmp/status; cp /tmp/status seen.txt',
  ) as PromptId
  expect(await runTurn(two, { sessionId, epoch: 2, promptId: third }, waiting)).toMatchObject({ outcome: 'end_turn' })
  await until(() => plane.journalOf(sessionId).some(({ payload }) => payload.kind === 'checkpoint' && payload.n === 2))
  const seen = inRepository(repository, 'show', `refs/helix/sessions/${sessionId}/2:seen.txt`)
  expect(seen).toBe(`?? new.txt\n${kept.repositories[0]?.head}\nhalf`)
  const journal = plane.journalOf(sessionId)
  expect(journal.map(({ sequence }) => sequence)).toEqual(journal.map((_, index) => index + 1))
  const text = JSON.stringify(journal)
  expect(text).toContain('brought back from checkpoint 1')
  expect(text).toContain('remembers 1, database 1')
  expect(plane.starts.at(-1)?.stages.map(({ name }) => name)).toContain('supervisor: checkpoint 1: sample')
  await suspendSession(two, sessionId)
  await removeSession(two, sessionId)
}, 300_000)
