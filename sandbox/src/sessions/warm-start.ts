import type { SessionSpec } from '@helix/contract/hosts'
import type { Host } from '../host.ts'
import { reasonOf } from '../reason.ts'
import { handOver } from '../warm/hand-over.ts'
import { type Slot, slotSecret } from '../warm/slot.ts'
import { attach } from './attach.ts'
import { sessionFileOf, startLabels } from './container.ts'
import type { LocalSession } from './local-session.ts'
import { containerName } from './names.ts'
import type { Stages } from './stages.ts'
import { removeContainers } from './stop.ts'

/**
 * Makes a machine that waits the session's; null: there is none for it, and it is started cold. Only for a session of which nothing is on this host: what the
 * slot has is all that it will have.
 */
export async function startWarm(host: Host, epoch: number, spec: SessionSpec, stages: Stages): Promise<LocalSession | null> {
  const slot = host.warm.take(spec, spec.agentRuntime)
  if (slot === null) return null
  try {
    return await becomes(host, slot, epoch, spec, stages)
  } catch (error) {
    host.log.warn(
      { sessionId: spec.sessionId, slot: slot.id, reason: reasonOf(error) },
      'a machine that waited is of no use; starting cold',
    )
    // The session's already, or nobody's: in both cases this container has served.
    if (host.slots.slotFor(spec.sessionId) === slot.id) await removeContainers(host, spec.sessionId, 0)
    else await host.warm.discard(slot)
    return null
  }
}

async function becomes(host: Host, slot: Slot, epoch: number, spec: SessionSpec, stages: Stages): Promise<LocalSession> {
  const { sessionId, egress, controlPlaneUrl } = spec
  const settled = await Promise.allSettled([
    // First: with it the session's rules go to the bridge of the slot.
    stages.time('warm: take', host.slots.give(slot.id, { sessionId, labels: startLabels(host.owner, spec, epoch) })),
    stages.time('network rules', host.egress.admit(sessionId, egress, slot.subnets, controlPlaneUrl)),
    stages.time('warm: wake', host.engine.unpauseContainer(slot.containerId)),
  ])
  host.warm.given(slot)
  for (const one of settled) if (one.status === 'rejected') throw one.reason
  // Not before what it may reach is settled, and everybody knows whose it is.
  const file = sessionFileOf({ footing: host.footing(), egress: host.egress }, spec, epoch, host.identity.linkSecret(sessionId, epoch))
  await stages.time('warm: hand over', handOver(slot.address, slotSecret(host, slot.id), file))
  const session = await attach(host, slot.containerId)
  if (session === null) throw new Error('the machine ended')
  return session
}

/** For whoever looks at the engine itself: the container is called after its session, whatever it was made as. */
export async function nameContainer(host: Host, { sessionId, epoch, containerId }: LocalSession): Promise<void> {
  await host.engine
    .renameContainer(containerId, containerName(host.owner, sessionId, epoch))
    .catch((error: unknown) => host.log.debug({ sessionId, reason: reasonOf(error) }, 'a container keeps its name'))
}
