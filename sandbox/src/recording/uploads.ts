import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { errorBody, HelixError } from '@helix/contract/errors'
import type { HostId } from '@helix/contract/ids'
import { segmentHash, segmentPath, storedSegment } from '@helix/contract/recording-wire'
import type { Logger } from 'pino'
import { reasonOf } from '../reason.ts'
import { sha256Of } from './segment.ts'
import type { RecordingSpool, Waiting } from './spool.ts'

/** Units: milliseconds. */
const deadlineMs = 120_000
const [firstPauseMs, longestPauseMs] = [1000, 60_000]

export interface UploadsInput {
  url: string
  token(): string
  hostId: HostId
  spool: RecordingSpool
  log: Logger
  /** The control plane wants nothing more of this session. */
  unwanted(one: Waiting): void
  /** Why nothing is stored now, for people; null: it is again. */
  stored(reason: string | null): void
  /** It was refused for good. */
  refused(one: Waiting, reason: string): void
}

/** Sends finished segments to the control plane, one after the other and the oldest first, until each is stored or not wanted. */
export class Uploads {
  private readonly input: UploadsInput
  private running: Promise<void> | null = null
  private again = false
  private pauseMs = firstPauseMs
  private timer: NodeJS.Timeout | null = null
  private readonly end = new AbortController()

  constructor(input: UploadsInput) {
    this.input = input
  }

  /** Something waits. */
  nudge(): void {
    if (this.end.signal.aborted || this.timer !== null) return
    this.again = true
    this.running ??= this.run().finally(() => {
      this.running = null
    })
  }

  async close(): Promise<void> {
    this.end.abort()
    if (this.timer !== null) clearTimeout(this.timer)
    await this.running
  }

  private async run(): Promise<void> {
    while (this.again && !this.end.signal.aborted) {
      this.again = false
      for (const one of this.input.spool.all()) {
        if (await this.send(one)) continue
        this.timer = setTimeout(() => {
          this.timer = null
          this.nudge()
        }, this.pauseMs)
        this.timer.unref()
        this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs)
        return
      }
    }
  }

  /** False: not now. */
  private async send(one: Waiting): Promise<boolean> {
    const { spool, log } = this.input
    try {
      const { wanted } = await this.put(one)
      await spool.remove(one)
      this.pauseMs = firstPauseMs
      this.input.stored(null)
      if (!wanted) this.input.unwanted(one)
      return true
    } catch (error) {
      if (this.end.signal.aborted) return false
      // Somebody took it from the disk: there is nothing to send.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        await spool.remove(one)
        return true
      }
      const passing = !(error instanceof HelixError) || error.status >= 500 || error.status === 401 || error.status === 429
      if (passing) {
        log.debug({ sessionId: one.sessionId, reason: reasonOf(error) }, 'a part of a recording cannot be sent yet')
        if (error instanceof HelixError && error.code === 'storage_full') this.input.stored(error.message)
        return false
      }
      await spool.remove(one)
      log.warn({ sessionId: one.sessionId, reason: reasonOf(error) }, 'a part of a recording is refused')
      this.input.refused(one, reasonOf(error))
      return true
    }
  }

  private async put(one: Waiting): Promise<{ wanted: boolean }> {
    const { url, token, hostId } = this.input
    const names: Record<string, string> = { hostId, sessionId: one.sessionId, epoch: `${one.epoch}`, startedUs: `${one.startedUs}` }
    const answer = await fetch(`${url}${segmentPath.replace(/:(\w+)/g, (_, name: string) => names[name] ?? '')}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${token()}`,
        'content-type': 'video/mp4',
        'content-length': `${one.size}`,
        [segmentHash]: await sha256Of(one.path),
      },
      body: Readable.toWeb(createReadStream(one.path)) as ReadableStream<Uint8Array>,
      duplex: 'half',
      signal: AbortSignal.any([this.end.signal, AbortSignal.timeout(deadlineMs)]),
    } as RequestInit)
    const said: unknown = await answer.json()
    if (answer.ok) return storedSegment.parse(said)
    const failed = errorBody.safeParse(said)
    if (!failed.success) throw new Error(`The control plane answers ${answer.status}.`)
    const { code, message, details, requestId } = failed.data.error
    throw new HelixError(code, message, details, requestId)
  }
}
