import { streamClose, streamProtocols } from '@helix/contract/stream'

/** Units: milliseconds. */
const shortestTryMs = 120
const longestTryMs = 1000
/** What both machines take over a handshake besides the line, which takes two round trips. */
const handshakeMs = 80
/**
 * Chromium lets a page wait the longer the more of its last attempts failed for each that succeeded (`CalculateDelay` of its WebSocket throttler: 20 ms
 * after eight, seconds after fifteen), so the first few are quick and the others slow.
 */
const growth = 1.4
const shortTries = 8

interface Heard {
  /** Its first message is this. */
  back(socket: WebSocket, first: ArrayBuffer | string): void
  /** The host knows the pass no more. */
  refused(): void
}

/**
 * Dials again and again beside a connection that went quiet, with the pass that its host gave. A browser opens one WebSocket to an address at a time, and
 * a first packet that is lost is sent again after a second only, so an attempt that hangs gives way to the next.
 */
export class Comeback {
  private readonly heard: Heard
  private readonly url: string
  private readonly pass: string
  private tryMs: number
  private tries = 0
  private socket: WebSocket | null = null
  private timer: ReturnType<typeof setTimeout> | undefined

  /** `rttMs`: of the way there and back, as far as it is known. */
  constructor(heard: Heard, url: string, pass: string, rttMs: number) {
    this.heard = heard
    this.url = url
    this.pass = pass
    this.tryMs = Math.max(shortestTryMs, 2 * rttMs + handshakeMs)
    this.attempt()
  }

  giveUp(): void {
    clearTimeout(this.timer)
    const { socket } = this
    this.socket = null
    if (socket === null) return
    socket.onopen = socket.onmessage = socket.onclose = null
    socket.close()
  }

  private attempt(): void {
    this.giveUp()
    const socket = new WebSocket(this.url, streamProtocols(this.pass))
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    // Once it is open what is missing is on its way.
    socket.onopen = () => clearTimeout(this.timer)
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === 'string' && data.includes('"ticket_refused"')) return
      clearTimeout(this.timer)
      this.socket = null
      this.heard.back(socket, data)
    }
    socket.onclose = ({ code }) => {
      if (code === streamClose.ticket_refused) this.heard.refused()
    }
    this.timer = setTimeout(() => this.attempt(), this.tryMs)
    if (++this.tries > shortTries) this.tryMs = Math.min(this.tryMs * growth, Math.max(longestTryMs, this.tryMs))
  }
}
