import type { SessionSpec } from '@helix/contract/hosts'
import type { SessionId } from '@helix/contract/ids'
import { ApplicationFailure } from '@temporalio/common'
import { worthColdBytes } from '../caches/clones.ts'
import type { CacheKey } from '../caches/project-cache.ts'
import type { Host, SessionRef } from '../host.ts'
import { withKit } from '../images/kit.ts'
import type { LiveSession } from '../link/control-plane.ts'
import { reasonOf } from '../reason.ts'
import { attach, type Readiness, whenReady } from './attach.ts'
import { type SessionContainer, sessionArchive, sessionContainer } from './container.ts'
import type { LocalSession } from './local-session.ts'
import { epochOf, innerDockerVolume, sessionLabels, workspaceVolume } from './names.ts'
import { ensureNetwork } from './network.ts'
import { isForeign, prepareImage } from './prepare-image.ts'
import { Stages } from './stages.ts'
import { StartTeller, stagesOf } from './start-teller.ts'
import { removeContainers } from './stop.ts'
import { nameContainer, startWarm } from './warm-start.ts'

/** Units: milliseconds. A large repository is cloned while the session prepares. */
const limits = { silentMs: 20_000, deadlineMs: 1_200_000 }
const adoption = { silentMs: 5000, deadlineMs: 1_200_000 }

interface Start extends SessionRef {
  reason: string
}

/** A start whose supervisor is there and prepares. */
interface Begun {
  session: LocalSession
  stages: Stages
  teller: StartTeller
  /** In a machine that waited. */
  warm: boolean
}

/** Makes sure the session runs here and takes prompts; answers with the epoch that holds. Rejects with the signal's reason when it is aborted. */
export function startSession(host: Host, start: Start, signal: AbortSignal): Promise<{ epoch: number }> {
  return host.registry.alone(start.sessionId, async () => {
    signal.throwIfAborted()
    const adopted = await adopt(host, start, signal)
    if (adopted !== null) return adopted
    const begun = await host.preparations.after(() => begin(host, start, signal))
    const readiness = await getReady(host, start, begun, signal)
    if (!readiness.ready) throw await failed(host, begun.session, readiness.reason)
    return { epoch: begun.session.epoch }
  })
}

/**
 * Begins a start that the control plane announces before the session's workflow asks for it; the workflow finds it under way, and is the one who looks after
 * it. What does not begin is begun by the workflow.
 */
export async function startSoon(host: Host, start: Start): Promise<void> {
  const { registry, log, ending } = host
  const { sessionId } = start
  if (registry.isBusy(sessionId) || registry.find(sessionId) !== undefined || host.refusal() !== null) return
  try {
    const begun = await registry.alone(sessionId, () => host.preparations.after(() => begin(host, start, ending)))
    const readiness = await getReady(host, start, begun, ending)
    if (!readiness.ready) log.warn({ sessionId, reason: readiness.reason }, 'a session that was begun early is not ready')
  } catch (error) {
    if (!ending.aborted) log.info({ sessionId, reason: reasonOf(error) }, 'a session cannot be begun early')
  }
}

/** The container of this start, or of a later one that only the caller does not know, if it lives and is still the session's. */
async function adopt(host: Host, start: Start, signal: AbortSignal): Promise<{ epoch: number } | null> {
  const { sessionId, epoch } = start
  const containers = await host.engine.listContainers(sessionLabels(host.owner, sessionId))
  const container = containers.find(({ running, labels }) => running && epochOf(labels) >= epoch)
  if (container === undefined) return null
  const found = epochOf(container.labels)
  const live = await host.controlPlane.liveSessions()
  const row = live.find((one) => one.sessionId === sessionId && one.epoch === found)
  if (row === undefined) return null
  const known = host.registry.find(sessionId)
  const session = known?.containerId === container.id ? known : await attach(host, container.id)
  if (session === null) return null
  const readiness = await whenReady(session, adoption, signal)
  if (readiness.ready && row.state === 'starting') {
    // The first story is the one that is kept; the boot that had to tell it may have died before.
    await session.startTold
    await tell(host, start, session, new Stages())
  }
  if (readiness.ready) return { epoch: found }
  host.log.warn({ sessionId, epoch: found, reason: readiness.reason }, 'a running session cannot be adopted')
  host.registry.drop(session, readiness.reason)
  return null
}

async function begin(host: Host, start: Start, signal: AbortSignal): Promise<Begun> {
  const stages = new Stages()
  // Before anything is asked of the control plane.
  host.footing()
  const claim = await stages.time('claim', claimFor(host, start))
  const teller = new StartTeller(host, { ...start, epoch: claim.epoch }, stages)
  try {
    const { session, warm } = await beginClaimed(host, start, claim, stages, signal)
    teller.session = session
    return { session, stages, teller, warm }
  } catch (error) {
    teller[Symbol.dispose]()
    throw error
  }
}

async function beginClaimed(
  host: Host,
  start: Start,
  { epoch, spec: claimed }: Claimed,
  stages: Stages,
  signal: AbortSignal,
): Promise<Pick<Begun, 'session' | 'warm'>> {
  const spec = { ...claimed, keepsClones: await host.clones.wanted(claimed) }
  // Machines that wait are of our own image, and have a Docker without the layers of the project.
  const key = host.layers.keyFor(spec, host.footing())
  const large = (await host.clones.bytesFor(spec)) >= worthColdBytes
  const usual = !isForeign(host, spec) && !large && !(await host.layers.has(key))
  const fresh = host.slots.slotFor(start.sessionId) === null && (epoch === 1 || (await hasNothing(host, start.sessionId)))
  const warm = fresh && usual ? await startWarm(host, epoch, spec, stages) : null
  if (fresh) stages.list.push({ name: `warm: ${warm === null ? 'no' : 'yes'}`, durationMs: 0 })
  const session = warm ?? (await startCold(host, { epoch, spec, layers: key }, stages, signal))
  return { session, warm: warm !== null }
}

/** Nothing of the session is on this host, or nothing but a container that is of no use. */
async function hasNothing(host: Host, sessionId: SessionId): Promise<boolean> {
  const labels = sessionLabels(host.owner, sessionId)
  const [containers, volumes] = await Promise.all([host.engine.listContainers(labels), host.engine.listVolumes(labels)])
  return containers.length + volumes.length === 0
}

async function startCold(
  host: Host,
  { epoch, spec, layers }: Claimed & { layers: CacheKey | null },
  stages: Stages,
  signal: AbortSignal,
): Promise<LocalSession> {
  const { owner, certificates, engine } = host
  const { sessionId } = spec
  const footing = host.footing()
  const stem = host.slots.stemOf(sessionId)
  const labels = sessionLabels(owner, sessionId)
  const old = stages.time('old container', removeContainers(host, sessionId, 0))
  const network = stages.time('network', ensureNetwork(engine, owner, host.config.session.subnets, stem, labels))
  const volumes = ensureVolumes(host, spec, footing.innerDocker !== 'none', layers, stages)
  const pack = stages.time('agent pack', host.packs.ensure(spec.agentRuntime))
  const image = prepareImage(host, spec, stages, signal)
  // All of them are waited for even when one fails: none may go on behind the next try.
  const [packVolume, subnets] = await all(pack, network, image, old, volumes)
  await stages.time('network rules', host.egress.admit(sessionId, spec.egress, subnets, spec.controlPlaneUrl))
  signal.throwIfAborted()
  const { session: limits } = host.config
  const container = { owner, spec, epoch, stem, packVolume, footing, limits, largest: host.largest(), certificates, egress: host.egress }
  return run(host, container, await image, stages)
}

/** Waits until the session takes prompts, and then tells how long everything took. */
async function getReady(host: Host, start: Start, { session, stages, teller, warm }: Begun, signal: AbortSignal): Promise<Readiness> {
  const told = Promise.withResolvers<void>()
  session.startTold = told.promise
  try {
    const readiness = await stages.time('supervisor', whenReady(session, limits, signal))
    teller[Symbol.dispose]()
    for (const cache of [host.layers, host.clones]) cache.close(session.sessionId)
    if (!readiness.ready) return readiness
    stages.total('ready')
    host.log.info({ sessionId: session.sessionId, epoch: session.epoch, stages: stages.list }, 'session started')
    await tell(host, start, session, stages)
    told.resolve()
    if (warm) await nameContainer(host, session)
    return readiness
  } finally {
    teller[Symbol.dispose]()
    told.resolve()
  }
}

interface Claimed {
  epoch: number
  spec: SessionSpec
}

/** The claim that placed the session here if nothing was started with it yet, else a new one, which raises the epoch. */
async function claimFor(host: Host, { sessionId, epoch }: Start): Promise<Claimed> {
  const kept = host.registry.findClaim(sessionId, epoch)
  if (kept !== null) return { epoch, spec: kept }
  const claim = await host.controlPlane.claim(sessionId, epoch)
  if (claim.outcome === 'refused') throw ApplicationFailure.nonRetryable(claim.reason, 'SessionRefused')
  return claim
}

async function ensureVolumes(host: Host, spec: SessionSpec, innerDocker: boolean, layers: CacheKey | null, stages: Stages): Promise<void> {
  const { engine, owner } = host
  const labels = sessionLabels(owner, spec.sessionId)
  const stem = host.slots.stemOf(spec.sessionId)
  const [workspace, docker] = [workspaceVolume(owner, stem), innerDockerVolume(owner, stem)]
  await host.layers.clearHalf(docker)
  const isNew = async (volume: string): Promise<boolean> => (await engine.findVolume(volume)) === null
  const bringsLayers = innerDocker && (await host.layers.has(layers)) && (await isNew(docker))
  const bringsClones = (await host.clones.bytesFor(spec)) > 0 && (await isNew(workspace))
  await stages.time('volume', async () => {
    await engine.createVolume(workspace, labels)
    if (innerDocker) await engine.createVolume(docker, labels)
  })
  const clones = bringsClones ? stages.time('clones of the project', host.clones.bring(spec, workspace)) : null
  const brought = !bringsLayers || (await stages.time('layers of the project', host.layers.bring(layers, docker)))
  if (!brought) await engine.createVolume(docker, labels)
  await clones
}

async function all<T, U>(first: Promise<T>, second: Promise<U>, ...others: Promise<unknown>[]): Promise<[T, U]> {
  const settled = await Promise.allSettled([first, second, ...others])
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return [await first, await second]
}

/** `kit`: for an image that is not ours. */
async function run(host: Host, container: SessionContainer, kit: string | null, stages: Stages): Promise<LocalSession> {
  const { engine, identity } = host
  const { sessionId } = container.spec
  const id = await stages.time('container', async () => {
    const spec = sessionContainer(container)
    const made = await engine.createContainer(kit === null ? spec : withKit(spec, kit))
    await engine.putArchive(made, '/', await sessionArchive(container, identity.linkSecret(sessionId, container.epoch)))
    return made
  })
  await stages.time('start', engine.startContainer(id))
  const session = await attach(host, id)
  if (session !== null) return session
  const said = (await engine.tailOutput(id, 5)).trim().slice(-1000)
  await engine.removeContainer(id)
  throw new Error(`The session's container ended at once${said === '' ? '.' : `: ${said}`}`)
}

/** A start that came to nothing leaves no container behind. */
async function failed(host: Host, session: LocalSession, reason: string): Promise<Error> {
  const said = session.over === null ? '' : (await host.engine.tailOutput(session.containerId, 5)).trim().slice(-1000)
  host.registry.drop(session, reason)
  await host.engine.removeContainer(session.containerId)
  const message = said === '' ? reason : `${reason} It said: ${said}`
  return ApplicationFailure.create({ message, type: 'SessionBroken' })
}

/** Tells of starts that the control plane did not hear of: it was away at that moment, or this host was. */
export async function tellStarted(host: Host, living: readonly LiveSession[]): Promise<void> {
  for (const { sessionId, epoch, state } of living) {
    const session = host.registry.find(sessionId)
    const unheard = state === 'starting' && session?.epoch === epoch && session.idle && !host.registry.isBusy(sessionId)
    if (session !== undefined && unheard) await tell(host, { sessionId, epoch, reason: 'told late' }, session, new Stages())
  }
}

/** The timeline is for people: a start does not fail because it cannot be told. */
async function tell(host: Host, { sessionId, reason }: Start, session: LocalSession, stages: Stages): Promise<void> {
  try {
    const told = { epoch: session.epoch, reason: reason.slice(0, 500), stages: stagesOf(stages, session.link.status) }
    await host.controlPlane.recordStart(sessionId, told)
  } catch (error) {
    host.log.warn({ sessionId, reason: reasonOf(error) }, 'the stages of a start could not be told')
  }
}
