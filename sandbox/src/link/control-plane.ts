import { type CallInput, createClient } from '@helix/contract/client'
import type { BodyOf, Endpoint, ResponseOf } from '@helix/contract/endpoint'
import { claimSession, fetchPrompt, listHostSessions, recordStart, reportProgress, reportSuspension } from '@helix/contract/hosts'
import type { HostId, PromptId, SessionId } from '@helix/contract/ids'
import { listRecorded, noteRecording } from '@helix/contract/recording-wire'

/** Units: milliseconds. */
const deadlineMs = 15_000

export type Claim = ResponseOf<typeof claimSession>
export type Prompt = ResponseOf<typeof fetchPrompt>
export type LiveSession = ResponseOf<typeof listHostSessions>['sessions'][number]
export interface Wanted {
  sessions: LiveSession[]
  /** What projects have their sessions started from; null: it does not say. */
  images: string[] | null
  /** Of these, what is fetched with a sign-in only. */
  closedImages: string[]
}
export type RecordingNote = BodyOf<typeof noteRecording>
export interface Start {
  epoch: number
  reason: string
  stages: { name: string; durationMs: number }[]
}
type StartSoFar = NonNullable<BodyOf<typeof reportProgress>['start']>

/** What this host asks of the control plane. Rejects with `HelixError` for an error answer, with fetch's own error when nothing answers. */
export interface ControlPlane {
  claim(sessionId: SessionId, epoch: number): Promise<Claim>
  recordStart(sessionId: SessionId, start: Start): Promise<void>
  /** What a start is at; a control plane of the version before answers "not found". */
  reportProgress(sessionId: SessionId, epoch: number, text: string, start: StartSoFar): Promise<void>
  fetchPrompt(promptId: PromptId): Promise<Prompt>
  /** This host stopped the machine of a start, or found it ended. */
  reportSuspension(sessionId: SessionId, suspension: { epoch: number; reason: string }): Promise<void>
  liveSessions(): Promise<LiveSession[]>
  /** What lives here, and what projects have their sessions started from; null: it does not say. */
  wanted(): Promise<Wanted>
  /** Sessions here that are recorded while their desktops run; a control plane of the version before answers "not found". */
  recorded(): Promise<{ sessionId: SessionId; epoch: number }[]>
  noteRecording(sessionId: SessionId, note: RecordingNote): Promise<void>
}

export function createControlPlane(input: { url: string; token(): string; hostId: HostId; bootId: string }): ControlPlane {
  const { hostId, bootId } = input
  const ask = <E extends Endpoint>(endpoint: E, call: CallInput<E>): Promise<ResponseOf<E>> =>
    // The credential may be another by the next call.
    createClient({ baseUrl: input.url, token: input.token() })(endpoint, { ...call, signal: AbortSignal.timeout(deadlineMs) })
  return {
    claim: (sessionId, epoch) => ask(claimSession, { params: { hostId, sessionId }, body: { bootId, epoch } }),
    async recordStart(sessionId, start) {
      await ask(recordStart, { params: { hostId, sessionId }, body: start })
    },
    fetchPrompt: (promptId) => ask(fetchPrompt, { params: { hostId, promptId } }),
    async reportSuspension(sessionId, suspension) {
      await ask(reportSuspension, { params: { hostId, sessionId }, body: suspension })
    },
    async reportProgress(sessionId, epoch, text, start) {
      await ask(reportProgress, { params: { hostId, sessionId }, body: { epoch, text: text.slice(0, 200), start } })
    },
    async liveSessions() {
      return (await ask(listHostSessions, { params: { hostId } })).sessions
    },
    async wanted() {
      const { sessions, images = null, closedImages = [] } = await ask(listHostSessions, { params: { hostId } })
      return { sessions, images, closedImages }
    },
    async recorded() {
      return (await ask(listRecorded, { params: { hostId } })).sessions
    },
    async noteRecording(sessionId, note) {
      await ask(noteRecording, { params: { hostId, sessionId }, body: note })
    },
  }
}
