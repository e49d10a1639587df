import type { HostActivities, SharedSandboxActivities } from '@helix/workflows/activities'
import { Context } from '@temporalio/activity'
import type { Host } from '../host.ts'
import { hostQueue } from '../queues.ts'
import { failureOf } from './failures.ts'
import { startSession } from './start.ts'
import { removeSession, suspendSession } from './stop.ts'
import { runTurn } from './turn.ts'

/** Units: milliseconds. Well within the heartbeat timeout of the workflows. */
const beatEveryMs = 2000

/** Work that shows it is alive by itself. */
async function beating<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current()
  context.heartbeat()
  const timer = setInterval(() => context.heartbeat(), beatEveryMs)
  try {
    return await work(context.cancellationSignal)
  } catch (error) {
    throw failureOf(error)
  } finally {
    clearInterval(timer)
  }
}

/** The activities of the shared queue. */
export function sharedActivities(host: Host): SharedSandboxActivities {
  const { hostId, bootId } = host.identity
  return {
    async placeSession({ sessionId, epoch }) {
      const full = host.refusal()
      if (full !== null) return { placed: false, reason: full }
      try {
        const claim = await host.controlPlane.claim(sessionId, epoch)
        if (claim.outcome === 'refused') return { placed: false, reason: claim.reason }
        host.registry.keepClaim(sessionId, claim.epoch, claim.spec)
        return { placed: true, queue: hostQueue(hostId, bootId), epoch: claim.epoch }
      } catch (error) {
        throw failureOf(error)
      }
    },
  }
}

/** The activities of this boot's own queue. Each may run twice. */
export function hostActivities(host: Host): HostActivities {
  return {
    startSession: (start) => beating((signal) => startSession(host, start, signal)),
    async runTurn(turn) {
      const context = Context.current()
      context.heartbeat()
      const caller = {
        signal: context.cancellationSignal,
        cancelRequested: () => context.cancellationDetails?.cancelRequested ?? false,
        beat: () => context.heartbeat(),
      }
      try {
        return await runTurn(host, turn, caller)
      } catch (error) {
        throw failureOf(error)
      }
    },
    suspendSession: ({ sessionId }) => beating(() => suspendSession(host, sessionId)),
    removeSession: ({ sessionId }) => beating(() => removeSession(host, sessionId)),
  }
}
