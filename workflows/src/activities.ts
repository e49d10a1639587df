import type { BodyOf, Endpoint, ParamsOf, ResponseOf } from '@helix/contract/endpoint'
import type { PromptId, SessionId } from '@helix/contract/ids'
import type {
  assessTask,
  claimSlot,
  loadTask,
  locateSession,
  mergeTask,
  openSession,
  placeSession,
  preparePrompt,
  recordSession,
  recordStep,
  recordTurn,
  releaseSlot,
  remindReviewers,
  setActivity,
} from '@helix/contract/internal'
import type { TurnResult } from '@helix/contract/link'

/** One internal endpoint as an activity: parameters and body in one object, the answer back. */
type Ask<E extends Endpoint> = (
  input: BodyOf<E> extends Record<string, never> ? ParamsOf<E> : ParamsOf<E> & BodyOf<E>,
) => Promise<ResponseOf<E>>

/** Supplied by `workers/`, on the control queue. Every one may run twice. */
export interface ControlActivities {
  loadTask: Ask<typeof loadTask>
  recordStep: Ask<typeof recordStep>
  setActivity: Ask<typeof setActivity>
  claimSlot: Ask<typeof claimSlot>
  releaseSlot: Ask<typeof releaseSlot>
  openSession: Ask<typeof openSession>
  preparePrompt: Ask<typeof preparePrompt>
  assessTask: Ask<typeof assessTask>
  mergeTask: Ask<typeof mergeTask>
  locateSession: Ask<typeof locateSession>
  placeSession: Ask<typeof placeSession>
  recordSession: Ask<typeof recordSession>
  recordTurn: Ask<typeof recordTurn>
  remindReviewers: Ask<typeof remindReviewers>
}

/** Supplied by `sandbox/`, on the shared queue that hosts poll for sessions that began before the control plane placed them. */
export interface SharedSandboxActivities {
  /**
   * The host that takes this claims the session in one transaction of the control plane. `placed`: it answers with its own queue. `refused`:
   * somebody else has it or there is no room; the reason is for people.
   */
  placeSession(input: {
    sessionId: SessionId
    epoch: number
  }): Promise<{ placed: true; queue: string; epoch: number } | { placed: false; reason: string }>
}

/** Supplied by `sandbox/`, on the host's own queue. */
export interface HostActivities {
  /**
   * Makes sure the session runs here and takes prompts: adopts the running container of this epoch, else claims anew and starts one over the
   * session's volume. Answers with the epoch that now holds. Heartbeats.
   */
  startSession(input: { sessionId: SessionId; epoch: number; reason: string }): Promise<{ epoch: number }>
  /**
   * Hands the prompt to the agent and waits for the end of its turn. A prompt id that the session has seen is never sent again: the call joins
   * the running turn or answers with its result. Throws `SessionLost` (ApplicationFailure type) when the container is gone. Heartbeats on
   * the agent's activity; cancelling it cancels the turn.
   */
  runTurn(input: { sessionId: SessionId; epoch: number; promptId: PromptId }): Promise<TurnResult>
  /** Stops the container and keeps the volume. Already gone is not an error. */
  suspendSession(input: { sessionId: SessionId }): Promise<void>
  /** Removes container, network and volume. Already gone is not an error. */
  removeSession(input: { sessionId: SessionId }): Promise<void>
}
