import type { SessionSpec } from '@helix/contract/hosts'
import { ApplicationFailure } from '@temporalio/common'
import type { Host, SessionRef } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { attach, whenReady } from './attach.ts'
import { type SessionContainer, sessionArchive, sessionContainer } from './container.ts'
import type { LocalSession } from './local-session.ts'
import { epochOf, innerDockerVolume, sessionLabels, workspaceVolume } from './names.ts'
import { ensureNetwork } from './network.ts'
import { Stages } from './stages.ts'
import { removeContainers } from './stop.ts'

/** Units: milliseconds. A large repository is cloned while the session prepares. */
const limits = { silentMs: 20_000, deadlineMs: 1_200_000 }
const adoption = { silentMs: 5000, deadlineMs: 1_200_000 }

interface Start extends SessionRef {
  reason: string
}

/** Makes sure the session runs here and takes prompts; answers with the epoch that holds. Rejects with the signal's reason when it is aborted. */
export function startSession(host: Host, start: Start, signal: AbortSignal): Promise<{ epoch: number }> {
  return host.registry.alone(start.sessionId, async () => {
    signal.throwIfAborted()
    return (await adopt(host, start, signal)) ?? (await startAnew(host, start, signal))
  })
}

/** The container of this start, or of a later one that only the caller does not know, if it lives and is still the session's. */
async function adopt(host: Host, { sessionId, epoch }: SessionRef, signal: AbortSignal): Promise<{ epoch: number } | null> {
  const containers = await host.engine.listContainers(sessionLabels(host.owner, sessionId))
  const container = containers.find(({ running, labels }) => running && epochOf(labels) >= epoch)
  if (container === undefined) return null
  const found = epochOf(container.labels)
  const live = await host.controlPlane.liveSessions()
  if (!live.some((one) => one.sessionId === sessionId && one.epoch === found)) return null
  const known = host.registry.find(sessionId)
  const session = known?.containerId === container.id ? known : await attach(host, container.id)
  if (session === null) return null
  const readiness = await whenReady(session, adoption, signal)
  if (readiness.ready) return { epoch: found }
  host.log.warn({ sessionId, epoch: found, reason: readiness.reason }, 'a running session cannot be adopted')
  host.registry.drop(session, readiness.reason)
  return null
}

async function startAnew(host: Host, start: Start, signal: AbortSignal): Promise<{ epoch: number }> {
  const { sessionId } = start
  const stages = new Stages()
  const footing = host.footing()
  const { epoch, spec } = await stages.time('claim', claimFor(host, start))
  const { owner, certificates } = host
  const old = stages.time('old container', removeContainers(host, sessionId, 0))
  const network = stages.time('network', ensureNetwork(host.engine, owner, host.config.session.subnets, sessionId))
  const volumes = stages.time('volume', ensureVolumes(host, sessionId, footing.innerDocker !== 'none'))
  const pack = stages.time('agent pack', host.packs.ensure(spec.agentRuntime))
  // All of them are waited for even when one fails: none may go on behind the next try.
  const [packVolume, subnets] = await all(pack, network, old, volumes)
  await stages.time('network rules', host.egress.admit(sessionId, spec.egress, subnets, spec.controlPlaneUrl))
  signal.throwIfAborted()
  const container = {
    owner,
    spec,
    epoch,
    packVolume,
    footing,
    limits: host.config.session,
    largest: host.largest(),
    certificates,
    egress: host.egress,
  }
  const session = await run(host, container, stages)
  const readiness = await stages.time('supervisor', whenReady(session, limits, signal))
  if (!readiness.ready) throw await failed(host, session, readiness.reason)
  stages.total('ready')
  host.log.info({ sessionId, epoch, stages: stages.list }, 'session started')
  await tell(host, start, session, stages)
  return { epoch }
}

/** The claim that placed the session here if nothing was started with it yet, else a new one, which raises the epoch. */
async function claimFor(host: Host, { sessionId, epoch }: Start): Promise<{ epoch: number; spec: SessionSpec }> {
  const kept = host.registry.findClaim(sessionId, epoch)
  if (kept !== null) return { epoch, spec: kept }
  const claim = await host.controlPlane.claim(sessionId, epoch)
  if (claim.outcome === 'refused') throw ApplicationFailure.nonRetryable(claim.reason, 'SessionRefused')
  return claim
}

async function ensureVolumes(host: Host, sessionId: Start['sessionId'], innerDocker: boolean): Promise<void> {
  const labels = sessionLabels(host.owner, sessionId)
  await host.engine.createVolume(workspaceVolume(host.owner, sessionId), labels)
  if (innerDocker) await host.engine.createVolume(innerDockerVolume(host.owner, sessionId), labels)
}

async function all<T, U>(first: Promise<T>, second: Promise<U>, ...others: Promise<unknown>[]): Promise<[T, U]> {
  const settled = await Promise.allSettled([first, second, ...others])
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  return [await first, await second]
}

async function run(host: Host, container: SessionContainer, stages: Stages): Promise<LocalSession> {
  const { engine, identity } = host
  const { sessionId } = container.spec
  const id = await stages.time('container', async () => {
    const made = await engine.createContainer(sessionContainer(container))
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

/** The timeline is for people: a start does not fail because it cannot be told. */
async function tell(host: Host, { sessionId, reason }: Start, session: LocalSession, stages: Stages): Promise<void> {
  const inside = (session.link.status?.stages ?? []).map(({ name, durationMs }) => ({
    name: `supervisor: ${name}`.slice(0, 80),
    durationMs,
  }))
  try {
    const told = { epoch: session.epoch, reason: reason.slice(0, 500), stages: [...stages.list, ...inside].slice(0, 40) }
    await host.controlPlane.recordStart(sessionId, told)
  } catch (error) {
    host.log.warn({ sessionId, reason: reasonOf(error) }, 'the stages of a start could not be told')
  }
}
