import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { PromptId, SessionId } from '@helix/contract/ids'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { innerDockerSocket } from '../session/inner-docker.ts'
import type { Context } from '../src/context.ts'
import { sessionLabels, workspaceVolume } from '../src/sessions/names.ts'
import { startSession, tellStarted } from '../src/sessions/start.ts'
import { removeSession, suspendSession } from '../src/sessions/stop.ts'
import { runTurn, type TurnCaller } from '../src/sessions/turn.ts'
import { openWorld, until, type World } from './world.ts'

let world: World
let host: Context

beforeAll(async () => {
  world = await openWorld()
  host = await world.boot()
  await host.packs.ensure('goose_code')
})
afterAll(() => world[Symbol.asyncDispose]())

const forever = new AbortController().signal
const start = (sessionId: SessionId, epoch = 0, on = host) => startSession(on, { sessionId, epoch, reason: 'test' }, forever)
const waiting: TurnCaller = { signal: forever, cancelRequested: () => false, beat: () => undefined }
const turn = (sessionId: SessionId, epoch: number, text: string, caller = waiting, on = host) =>
  runTurn(on, { sessionId, epoch, promptId: world.plane.addPrompt(text) as PromptId }, caller)
const containersOf = (sessionId: SessionId) => world.engine.listContainers(sessionLabels(host.owner, sessionId))

test('a session starts, answers a prompt, and its journal reaches the control plane once and whole', async () => {
  const sessionId = world.plane.addSession()
  expect(await start(sessionId)).toEqual({ epoch: 1 })
  expect(await turn(sessionId, 1, 'hello')).toMatchObject({ outcome: 'end_turn' })
  await until(() => world.plane.journalOf(sessionId).some(({ payload }) => payload.kind === 'turn_end'))
  const journal = world.plane.journalOf(sessionId)
  expect(journal.map(({ sequence }) => sequence)).toEqual(journal.map((_, index) => index + 1))
  expect(journal.filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
  const stages = world.plane.starts.at(-1)?.stages ?? []
  expect(stages.find(({ name }) => name === 'ready')?.durationMs).toBeLessThan(10_000)
  await removeSession(host, sessionId)
})

test('what the engine shows of a container holds no secret and no rights it does not need', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const { default: Docker } = await import('dockerode')
  const seen = await new Docker().getContainer((await containersOf(sessionId))[0]?.id ?? '').inspect()
  const text = JSON.stringify(seen)
  expect(text).not.toContain(world.plane.token)
  expect(text).not.toContain('hs_1')
  expect(text).not.toContain(host.identity.linkSecret(sessionId, 1))
  expect(seen.HostConfig).toMatchObject({ Privileged: false, PidsLimit: 2048, CapDrop: ['ALL'] })
  expect(seen.HostConfig.Binds ?? []).toEqual([])
  expect(seen.HostConfig.MemorySwap).toBe(seen.HostConfig.Memory)
  expect(seen.Mounts.every(({ Type }: { Type?: string }) => Type === 'volume')).toBe(true)
  await removeSession(host, sessionId)
})

test('the agent runs containers in a Docker engine of its own, where this engine allows one', async ({ skip }) => {
  if (host.footing().innerDocker === 'none') skip(`the rung ${host.footing().name} of this engine gives no inner Docker`)
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const script = `until docker version >/dev/null 2>&1; do sleep 0.1; done
    tar -chf - -C / bin/echo $(ldd /bin/echo | grep -o '/[^ ]*' | cut -c2-) | docker import - tiny >/dev/null
    docker run --rm --network none tiny /bin/echo inside; docker ps --all --quiet | wc -l
    ip -4 -o addr | grep -c "inet $(getent hosts host.docker.internal | cut -d' ' -f1)/" || true`
  const inside = ['--user', 'agent', '--env', `DOCKER_HOST=unix://${innerDockerSocket}`, (await containersOf(sessionId))[0]?.id ?? '']
  const { stdout } = await promisify(execFile)('docker', ['exec', ...inside, 'timeout', '60', 'sh', '-c', script])
  // The last line: an inner bridge on the machine's address would cut the session off from git and inference.
  expect(stdout).toBe('inside\n0\n0\n')
  await removeSession(host, sessionId)
})

test('a second start of the same start adopts what runs, and claims nothing', async () => {
  const sessionId = world.plane.addSession()
  const [one, other] = await Promise.all([start(sessionId), start(sessionId)])
  const claims = world.plane.claims
  expect([one.epoch, other.epoch, (await start(sessionId, 1)).epoch]).toEqual([1, 1, 1])
  expect(world.plane.claims).toBe(claims)
  expect(await containersOf(sessionId)).toHaveLength(1)
  await removeSession(host, sessionId)
})

test('a start that the control plane did not hear of is told when it is adopted, and by the next round', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const row = world.plane.row(sessionId)
  row.state = 'starting'
  await start(sessionId, 1)
  expect(row.state).toBe('idle')
  row.state = 'starting'
  const living = await host.controlPlane.liveSessions()
  await tellStarted(host, living)
  expect(row.state).toBe('idle')
  const { length } = world.plane.starts
  await tellStarted(host, await host.controlPlane.liveSessions())
  expect(world.plane.starts).toHaveLength(length)
  await removeSession(host, sessionId)
})

test('a container killed in the middle of a turn loses the session at once, and the next start joins the same prompt', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const promptId = world.plane.addPrompt('sleep 30')
  const lost = runTurn(host, { sessionId, epoch: 1, promptId: promptId as PromptId }, waiting)
  const failure = expect(lost).rejects.toMatchObject({ type: 'SessionLost', nonRetryable: true })
  await until(() => world.plane.journalOf(sessionId).some(({ payload }) => payload.kind === 'chunk'))
  const killedAt = Date.now()
  await world.engine.killContainer((await containersOf(sessionId))[0]?.id ?? '')
  await failure
  expect(Date.now() - killedAt).toBeLessThan(5000)
  await expect(turn(sessionId, 1, 'too late')).rejects.toMatchObject({ type: 'SessionLost' })
  expect(await start(sessionId, 1)).toEqual({ epoch: 2 })
  expect(await containersOf(sessionId)).toHaveLength(1)
  await runTurn(host, { sessionId, epoch: 2, promptId: promptId as PromptId }, waiting)
  await until(() => world.plane.journalOf(sessionId).some(({ payload }) => payload.kind === 'turn_end'))
  expect(world.plane.journalOf(sessionId).filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
  await removeSession(host, sessionId)
})

test('a cancelled turn ends as cancelled; a caller who only stops waiting leaves it running', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const promptId = world.plane.addPrompt('sleep 60') as PromptId
  const leaving = new AbortController()
  const left = runTurn(host, { sessionId, epoch: 1, promptId }, { ...waiting, signal: leaving.signal })
  const leave = expect(left).rejects.toThrow('no more')
  await until(() => world.plane.journalOf(sessionId).some(({ payload }) => payload.kind === 'chunk'))
  leaving.abort(new Error('no more'))
  await leave
  let beats = 0
  const cancelling = new AbortController()
  const caller = { signal: cancelling.signal, cancelRequested: () => true, beat: () => void beats++ }
  const joined = runTurn(host, { sessionId, epoch: 1, promptId }, caller)
  await until(() => beats > 0)
  cancelling.abort(new Error('cancelled'))
  expect(await joined).toMatchObject({ promptId, outcome: 'cancelled' })
  await removeSession(host, sessionId)
})

test('suspending keeps the volume, a later start goes on over it, and removing leaves nothing; each may come twice', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  await turn(sessionId, 1, 'before')
  await suspendSession(host, sessionId)
  await suspendSession(host, sessionId)
  expect(await containersOf(sessionId)).toEqual([])
  const kept = await world.engine.listVolumes(sessionLabels(host.owner, sessionId))
  expect(kept.map(({ name }) => name)).toContain(workspaceVolume(host.owner, sessionId))
  expect(await start(sessionId, 1)).toEqual({ epoch: 2 })
  await turn(sessionId, 2, 'after')
  await until(() => world.plane.journalOf(sessionId).filter(({ payload }) => payload.kind === 'turn_end').length === 2)
  await removeSession(host, sessionId)
  await removeSession(host, sessionId)
  expect(await world.engine.listVolumes(sessionLabels(host.owner, sessionId))).toEqual([])
  expect((await world.engine.listNetworks()).filter(({ labels }) => labels['helix.session'] === sessionId)).toEqual([])
  const journal = world.plane.journalOf(sessionId)
  expect(journal.map(({ sequence }) => sequence)).toEqual(journal.map((_, index) => index + 1))
})

test('a host that was upgraded adopts what runs, and the turn that was under way is joined', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  const promptId = world.plane.addPrompt('sleep 4') as PromptId
  const before = runTurn(host, { sessionId, epoch: 1, promptId }, waiting)
  const ended = expect(before).rejects.toMatchObject({ type: 'SessionLost', message: 'The sandbox host restarts.' })
  await until(() => world.plane.journalOf(sessionId).length > 0)
  host.beginEnd()
  await ended
  host.close()
  host = await world.boot({}, '0.0.1')
  await until(() => host.registry.find(sessionId) !== undefined)
  expect(new Set(world.plane.hellos.map(({ version }) => version))).toEqual(new Set(['0.0.0', '0.0.1']))
  expect(host.registry.find(sessionId)?.epoch).toBe(1)
  const claims = world.plane.claims
  expect(await start(sessionId, 1, host)).toEqual({ epoch: 1 })
  expect(world.plane.claims).toBe(claims)
  expect(await runTurn(host, { sessionId, epoch: 1, promptId }, waiting)).toMatchObject({ outcome: 'end_turn' })
  await until(() => world.plane.journalOf(sessionId).some(({ payload }) => payload.kind === 'turn_end'))
  expect(world.plane.journalOf(sessionId).filter(({ payload }) => payload.kind === 'prompt')).toHaveLength(1)
  await removeSession(host, sessionId)
})

test('a journal that nobody acknowledges survives the link and arrives whole', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  world.plane.acknowledging = false
  for (const text of ['one', 'two', 'three']) {
    await turn(sessionId, 1, text)
    world.plane.row(sessionId).journal.clear()
    world.plane.cut()
  }
  world.plane.acknowledging = true
  world.plane.row(sessionId).journal.clear()
  world.plane.row(sessionId).upTo = 0
  world.plane.cut()
  await until(() => world.plane.journalOf(sessionId).filter(({ payload }) => payload.kind === 'turn_end').length === 3)
  await until(() => host.registry.find(sessionId)?.journal.drained ?? false)
  expect(world.plane.journalOf(sessionId)[0]?.sequence).toBe(1)
  await removeSession(host, sessionId)
})

test('a fenced session is stopped, and one of a later start is not', async () => {
  const sessionId = world.plane.addSession()
  await start(sessionId)
  await until(() => host.link?.welcomed ?? false)
  // Late frames of the start before were refused with the epoch that holds now.
  world.plane.fence(sessionId, 0)
  world.plane.fence(sessionId, 1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await containersOf(sessionId)).toHaveLength(1)
  world.plane.row(sessionId).epoch = 2
  world.plane.fence(sessionId, 2)
  await until(async () => (await containersOf(sessionId)).length === 0)
  await removeSession(host, sessionId)
})

test('an epoch that the control plane never gave is refused', async () => {
  const sessionId = world.plane.addSession()
  await expect(start(sessionId, 3)).rejects.toMatchObject({ code: 'epoch_outdated' })
  expect(await containersOf(sessionId)).toEqual([])
})
