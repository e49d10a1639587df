import { setTimeout as sleep } from 'node:timers/promises'
import type { SessionId } from '@helix/contract/ids'
import type { Host } from '../host.ts'
import type { LocalSession, SessionEnd } from './local-session.ts'
import { sessionLabels } from './names.ts'
import { removeNetworks } from './network.ts'

/** The supervisor ends the agent, keeps a last checkpoint and writes its journal to the end in this time; less where the journal goes too. */
const graceSeconds = { suspend: 22, remove: 3 }
/** Units: milliseconds. The last entries of a journal have this long to reach the control plane before their volume goes. */
const drainMs = 5000

/** Ends the containers of a session, whatever start they are of. 0: at once. */
export async function removeContainers(host: Host, sessionId: SessionId, graceSeconds: number): Promise<void> {
  const containers = await host.engine.listContainers(sessionLabels(host.owner, sessionId))
  await Promise.all(
    containers.map(async ({ id, running }) => {
      if (graceSeconds > 0 && running) await host.engine.stopContainer(id, graceSeconds)
      await host.engine.removeContainer(id)
    }),
  )
}

/** Stops the session and keeps its volumes. `reason`: what a turn that runs is told. */
export function suspendSession(host: Host, sessionId: SessionId, reason = 'The session was suspended.'): Promise<void> {
  return host.registry.alone(sessionId, () => takeDown(host, sessionId, graceSeconds.suspend, reason, 'suspended'))
}

/** Stops the session and removes everything of it. */
export function removeSession(host: Host, sessionId: SessionId): Promise<void> {
  return host.registry.alone(sessionId, async () => {
    await takeDown(host, sessionId, graceSeconds.remove, 'The session was stopped.', 'stopped')
    const volumes = await host.engine.listVolumes(sessionLabels(host.owner, sessionId))
    await Promise.all(volumes.map(({ name }) => host.engine.removeVolume(name)))
    const slot = host.slots.slotFor(sessionId)
    if (slot !== null) await host.slots.forget(slot)
  })
}

async function takeDown(host: Host, sessionId: SessionId, grace: number, reason: string, how: SessionEnd): Promise<void> {
  host.registry.dropClaim(sessionId)
  const session = host.registry.find(sessionId)
  if (session === undefined) await removeContainers(host, sessionId, grace)
  else await end(host, session, grace, reason, how)
  await removeNetworks(host.engine, sessionId)
}

async function end(host: Host, session: LocalSession, grace: number, reason: string, how: SessionEnd): Promise<void> {
  session.stopping = true
  try {
    await removeContainers(host, session.sessionId, grace)
    for (const until = Date.now() + drainMs; !session.journal.drained && Date.now() < until; ) await sleep(50)
    host.registry.drop(session, reason, how)
  } finally {
    session.stopping = false
  }
}

/**
 * The control plane refused a frame of this start: it may be over. It may also have refused a late frame of the start before, so that the list of the
 * living decides. The volume is left to the collector. Rejects when the list cannot be had; a start that is over is told again, or collected.
 */
export async function fenceSession(host: Host, sessionId: SessionId, epoch: number): Promise<void> {
  const session = host.registry.find(sessionId)
  if (session === undefined || session.epoch > epoch) return
  await host.registry.alone(sessionId, async () => {
    if (host.registry.find(sessionId) !== session) return
    const living = await host.controlPlane.liveSessions()
    if (living.some((one) => one.sessionId === sessionId && one.epoch === session.epoch)) return
    host.log.warn({ sessionId, epoch: session.epoch }, 'a session was fenced off by the control plane')
    host.registry.drop(session, 'The session goes on elsewhere, or is over.', 'moved')
    await host.engine.removeContainer(session.containerId)
    await removeNetworks(host.engine, sessionId)
  })
}
