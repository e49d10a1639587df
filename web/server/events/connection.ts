import type { Response } from 'express'
import type { Viewer } from './viewers.ts'

/** Why a connection gets nothing new at this moment. */
type Pause = 'blocked' | 'catching up' | 'ended'

/** One open stream. There may be thousands: it holds no request, no timer and no queue. */
export class Connection {
  readonly viewer: Viewer
  /** The last number that was looked at for this connection, sent or not. */
  cursor: number
  pause: Pause | null = null
  /** Units: milliseconds since the epoch. Since when the client does not read; 0 while it does. */
  blockedSince = 0
  private readonly response: Response

  constructor(response: Response, viewer: Viewer, cursor: number) {
    this.response = response
    this.viewer = viewer
    this.cursor = cursor
  }

  /** False: the client does not keep up; nothing more may be written until it drained. */
  write(text: string): boolean {
    // Before `close` is told; who asks again and again until then would keep it from being told.
    if (this.response.destroyed) this.pause = 'ended'
    if (this.pause === 'ended') return false
    if (this.response.write(text)) return true
    this.blockedSince = Date.now()
    return false
  }

  drained(): Promise<void> {
    return new Promise((resolve) => {
      const { response } = this
      if (response.destroyed || !response.writableNeedDrain) return void resolve()
      const done = (): void => {
        response.off('drain', done).off('close', done)
        this.blockedSince = 0
        resolve()
      }
      response.on('drain', done).on('close', done)
    })
  }

  /** The client comes back by itself, from its last event on. */
  end(): void {
    this.pause = 'ended'
    this.response.end()
  }

  /** For a client that does not read: what is still to be sent is thrown away. */
  cut(): void {
    this.pause = 'ended'
    this.response.destroy()
  }
}
