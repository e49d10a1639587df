import { join } from 'node:path'
import type { DesktopUp } from '@helix/contract/desktop-link'
import { HelixError } from '@helix/contract/errors'
import type { HostId, SessionId } from '@helix/contract/ids'
import type { StreamDown } from '@helix/contract/stream-down'
import type { Logger } from 'pino'
import type { ControlPlane } from '../link/control-plane.ts'
import { reasonOf } from '../reason.ts'
import { Recorder } from './recorder.ts'
import { RecordingSpool } from './spool.ts'
import { Uploads } from './uploads.ts'

/** Whoever is shown a desktop in this process. */
export interface FrameTaker {
  wantsFrames(): boolean
  received(message: StreamDown, bytes: Uint8Array): void
  said(word: DesktopUp): void
  restarted(): void
}

/** The desktops of this host. */
export interface Desktops {
  /** It runs already: to record starts none. */
  running(sessionId: SessionId): boolean
  /** Null: it does not run here. */
  join(sessionId: SessionId, taker: FrameTaker): { leave(): void; requestKey(): void } | null
}

/** What of a running session is needed to record it. */
export interface RecordedHere {
  readonly sessionId: SessionId
  readonly epoch: number
  readonly over: string | null
  /** Called when something begins in its conversation. */
  chapterBegan: (() => void) | null
}

export interface RecordingsInput {
  /** Of this host’s state. */
  stateDir: string
  /** Units: bytes that may wait to be sent; 0: nothing is recorded here. */
  budgetBytes: number
  url: string
  token(): string
  hostId: HostId
  controlPlane: Pick<ControlPlane, 'recorded' | 'noteRecording'>
  desktops: Desktops
  sessions(): RecordedHere[]
  log: Logger
}

interface Running {
  recorder: Recorder
  leave(): void
}

const nameOf = ({ sessionId, epoch }: { sessionId: SessionId; epoch: number }): string => `${sessionId}/${epoch}`

/** Records the desktops of sessions whose projects want it, while they run anyway. Keeps nobody awake and slows nobody. */
export class Recordings {
  readonly spool: RecordingSpool
  private readonly input: RecordingsInput
  private readonly uploads: Uploads
  private readonly running = new Map<string, Running>()
  private wanted = new Set<string>()
  private lost = new Map<string, number>()
  /** Why nothing is stored now. */
  private pausedFor: string | null = null
  private readonly told = new Map<string, string>()

  private constructor(input: RecordingsInput, spool: RecordingSpool) {
    const { url, token, hostId, log } = input
    this.input = input
    this.spool = spool
    this.uploads = new Uploads({
      ...{ url, token, hostId, spool, log },
      unwanted: (one) => this.wanted.delete(nameOf(one)),
      stored: (reason) => {
        this.pausedFor = reason
      },
      refused: (one) => this.gaveUp(one.sessionId, one.epoch),
    })
  }

  static async open(input: RecordingsInput): Promise<Recordings> {
    let recordings: Recordings | null = null
    const spool = await RecordingSpool.open({
      folder: join(input.stateDir, 'recordings'),
      budgetBytes: input.budgetBytes,
      log: input.log,
      arrived: () => recordings?.uploads.nudge(),
      lost: (sessionId, epoch) => recordings?.gaveUp(sessionId, epoch),
    })
    recordings = new Recordings(input, spool)
    return recordings
  }

  /** Asks what is to be recorded, and sends what waits. Called every few seconds. */
  async ask(): Promise<void> {
    this.uploads.nudge()
    if (this.input.budgetBytes === 0) return
    const sessions = await this.input.controlPlane.recorded().catch((error: unknown) => {
      // A control plane of the version before takes none.
      if (error instanceof HelixError && error.code === 'not_found') return []
      throw error
    })
    this.wanted = new Set(sessions.map(nameOf))
    // Nothing is left whose arrival could tell that there is room again.
    if (this.spool.size === 0) this.pausedFor = null
  }

  /** Begins and ends what has changed. Called each second. */
  async look(): Promise<void> {
    const here = new Map(this.input.sessions().map((session) => [nameOf(session), session]))
    for (const [name, one] of this.running) {
      one.recorder.tick()
      const session = here.get(name)
      if (session?.over === null && this.wanted.has(name) && this.pausedFor === null) continue
      this.running.delete(name)
      one.leave()
      await one.recorder.close()
    }
    for (const name of this.told.keys()) if (!here.has(name)) this.told.delete(name)
    for (const [name, session] of here) {
      const { sessionId, epoch, over } = session
      if (over !== null || !this.wanted.has(name)) continue
      if (!this.running.has(name) && this.pausedFor === null && this.input.desktops.running(sessionId)) await this.begin(session)
      const state = this.pausedFor !== null ? 'paused' : this.running.has(name) ? 'recording' : null
      if (state !== null) await this.tell(sessionId, epoch, state)
    }
  }

  /** What was begun is whole on the disk; it is sent by the next boot if not before. */
  async close(): Promise<void> {
    for (const one of this.running.values()) {
      one.leave()
      await one.recorder.close()
    }
    this.running.clear()
    await this.uploads.close()
  }

  private async begin(session: RecordedHere): Promise<void> {
    const { sessionId, epoch } = session
    await this.spool.prepare(sessionId)
    let line: ReturnType<Desktops['join']> = null
    const recorder = new Recorder({ session: { sessionId, epoch }, spool: this.spool, requestKey: () => line?.requestKey() })
    line = this.input.desktops.join(sessionId, {
      wantsFrames: () => true,
      received: (message) => {
        if (message.type === 'frame') recorder.frame(message)
      },
      said: () => undefined,
      restarted: () => recorder.interrupt(),
    })
    if (line === null) return
    const { leave } = line
    session.chapterBegan = () => recorder.mark()
    this.running.set(nameOf(session), { recorder, leave })
  }

  private gaveUp(sessionId: SessionId, epoch: number): void {
    const name = nameOf({ sessionId, epoch })
    this.lost.set(name, (this.lost.get(name) ?? 0) + 1)
    this.told.delete(name)
  }

  /** Once for each change. What cannot be told is told by the next look. */
  private async tell(sessionId: SessionId, epoch: number, state: 'recording' | 'paused'): Promise<void> {
    const name = nameOf({ sessionId, epoch })
    const lost = this.lost.get(name) ?? 0
    const reason = this.pausedFor
    const news = `${state} ${reason}`
    if (lost === 0 && this.told.get(name) === news) return
    try {
      await this.input.controlPlane.noteRecording(sessionId, { epoch, state, reason: reason?.slice(0, 500) ?? null, lost })
      this.told.set(name, news)
      this.lost.set(name, (this.lost.get(name) ?? 0) - lost)
    } catch (error) {
      this.input.log.debug({ sessionId, reason: reasonOf(error) }, 'a recording cannot be told of now')
    }
  }
}
