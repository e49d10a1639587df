import type { SessionId } from '@helix/contract/ids'
import { attachTerminalPath, terminalDown } from '@helix/contract/machine-use'

/** Units: milliseconds. */
const firstPauseMs = 300
const longestPauseMs = 5000

export interface Screen {
  write(data: Uint8Array): void
  reset(): void
}

/** The connection of one terminal on the page. It goes on where it was when it is lost, as often as that happens. */
export class TerminalLink {
  state = $state<'connecting' | 'open' | 'away' | 'ended'>('connecting')
  exitCode = $state<number | null>(null)
  private readonly path: string
  private readonly screen: Screen
  private socket: WebSocket | null = null
  private offset: number | null = null
  private size: { columns: number; rows: number } | null = null
  private pauseMs = firstPauseMs
  private timer: ReturnType<typeof setTimeout> | undefined
  private closed = false

  constructor(sessionId: SessionId, terminalId: string, screen: Screen) {
    this.path = attachTerminalPath.replace(':sessionId', sessionId).replace(':terminalId', terminalId)
    this.screen = screen
    this.dial()
  }

  type(data: string): void {
    if (this.state === 'open') this.socket?.send(new TextEncoder().encode(data))
  }

  resize(columns: number, rows: number): void {
    this.size = { columns, rows }
    if (this.state === 'open') this.socket?.send(JSON.stringify({ type: 'resize', columns, rows }))
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
    this.socket?.close()
  }

  private dial(): void {
    const url = new URL(this.path, location.href.replace(/^http/, 'ws'))
    if (this.offset !== null) url.searchParams.set('after', String(this.offset))
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    this.socket = socket
    socket.onopen = () => {
      this.state = 'open'
      this.pauseMs = firstPauseMs
      if (this.size !== null) this.resize(this.size.columns, this.size.rows)
    }
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => this.received(data)
    socket.onclose = ({ code }) => {
      // 4004: the machine has no such terminal any more.
      if (this.closed || this.state === 'ended') return
      if (code === 4004 || code === 1000) this.end(this.exitCode)
      else this.again()
    }
  }

  private received(data: ArrayBuffer | string): void {
    if (typeof data !== 'string') {
      this.offset = (this.offset ?? 0) + data.byteLength
      this.screen.write(new Uint8Array(data))
      return
    }
    const frame = terminalDown.parse(JSON.parse(data))
    if (frame.type === 'exit') this.end(frame.exitCode)
    else {
      if (frame.restart) this.screen.reset()
      this.offset = frame.offset
    }
  }

  private end(code: number | null): void {
    this.exitCode = code
    this.state = 'ended'
  }

  private again(): void {
    this.state = 'away'
    this.timer = setTimeout(() => this.dial(), this.pauseMs)
    this.pauseMs = Math.min(this.pauseMs * 2, longestPauseMs)
  }
}
