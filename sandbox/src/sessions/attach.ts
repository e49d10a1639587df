import type { SessionId } from '@helix/contract/ids'
import type { Kept } from '@helix/contract/link'
import { EngineError } from '../engine/engine.ts'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { LocalSession } from './local-session.ts'
import { epochOf, innerDockerVolume, ownerLabels, sessionOf, workspaceVolume } from './names.ts'

/** Begins to talk to the supervisor in a running container; null when the container does not run. */
export async function attach(host: Host, containerId: string): Promise<LocalSession | null> {
  const container = await host.engine.inspectContainer(containerId)
  const sessionId = container === null ? null : sessionOf(container.labels)
  if (!container?.running || container.address === null || sessionId === null) return null
  const epoch = epochOf(container.labels)
  host.egress.adopt(sessionId, container.labels)
  const session = new LocalSession({
    sessionId,
    epoch,
    containerId,
    address: container.address,
    secret: host.identity.linkSecret(sessionId, epoch),
    log: host.log,
    send: (frame) => host.send(frame),
    offered: (id, what) => keepOffered(host, id, what),
    disturbed: (disturbed) => void lookAfter(host, disturbed),
  })
  host.registry.add(session)
  host.preparations.admit(session)
  return session
}

function keepOffered({ layers, clones, owner, slots }: Host, sessionId: SessionId, what: Kept): Promise<void> {
  const stem = slots.stemOf(sessionId)
  return what === 'layers' ? layers.keep(sessionId, innerDockerVolume(owner, stem)) : clones.keep(sessionId, workspaceVolume(owner, stem))
}

/** Finds out whether a session whose link is disturbed still has its container. An engine that does not answer proves nothing. */
async function lookAfter(host: Host, session: LocalSession): Promise<void> {
  if (session.over !== null || session.stopping) return
  try {
    const container = await host.engine.inspectContainer(session.containerId)
    if (container?.running || session.over !== null || session.stopping) return
    const how = container === null ? 'is gone' : container.outOfMemory ? 'ran out of memory' : `ended with code ${container.exitCode}`
    host.registry.drop(session, `The session's container ${how}.`)
    // Whoever stops a session holds it, and says so.
    const level = host.registry.isBusy(session.sessionId) ? 'debug' : 'info'
    host.log[level]({ sessionId: session.sessionId, epoch: session.epoch, how }, 'a session lost its container')
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    host.log.debug({ sessionId: session.sessionId, reason: reasonOf(error) }, 'cannot look after a session')
  }
}

export type Readiness = { ready: true } | { ready: false; reason: string }

/**
 * Waits until the session takes prompts. `silentMs`: how long its supervisor may be unheard; `deadlineMs`: how long it may prepare.
 */
export function whenReady(
  session: LocalSession,
  limits: { silentMs: number; deadlineMs: number },
  signal: AbortSignal,
): Promise<Readiness> {
  const { link } = session
  const started = Date.now()
  const look = (): Readiness | null => {
    const state = link.status?.state
    if (session.over !== null) return { ready: false, reason: session.over }
    if (link.refusal !== null) return { ready: false, reason: `The supervisor refuses: ${link.refusal}.` }
    if (link.silentMs > limits.silentMs)
      return { ready: false, reason: `The supervisor has not answered for ${Math.round(limits.silentMs / 1000)} s.` }
    if (link.silentMs > 0) return null
    if (state === 'ready' || state === 'busy') return { ready: true }
    if (state === 'broken') return { ready: false, reason: link.status?.message ?? 'The supervisor cannot go on.' }
    return Date.now() - started > limits.deadlineMs ? { ready: false, reason: 'The session took too long to prepare.' } : null
  }
  return new Promise((resolve, reject) => {
    const check = (): void => {
      const readiness = look()
      if (readiness === null && !signal.aborted) return
      stop()
      if (readiness === null) reject(signal.reason)
      else resolve(readiness)
    }
    const unwatch = link.watch(check)
    const timer = setInterval(check, 250)
    signal.addEventListener('abort', check)
    void session.gone.then(check)
    const stop = (): void => {
      unwatch()
      clearInterval(timer)
      signal.removeEventListener('abort', check)
    }
    check()
  })
}

/** Takes up the sessions that an earlier boot of this host, or this one before the engine went away, left running. */
export async function adoptRunning(host: Host): Promise<void> {
  const containers = await host.engine.listContainers(ownerLabels(host.owner))
  const newest = new Map<SessionId, (typeof containers)[number]>()
  for (const container of containers) {
    const sessionId = sessionOf(container.labels)
    if (sessionId === null || !container.running || host.registry.find(sessionId)?.containerId === container.id) continue
    if (epochOf(container.labels) > epochOf(newest.get(sessionId)?.labels ?? {})) newest.set(sessionId, container)
  }
  for (const [sessionId, { id, labels }] of newest) {
    if (host.registry.isBusy(sessionId) || (host.registry.find(sessionId)?.epoch ?? 0) > epochOf(labels)) continue
    await host.registry.alone(sessionId, () => attach(host, id))
    host.log.info({ sessionId, epoch: epochOf(labels) }, 'adopted a running session')
  }
}
