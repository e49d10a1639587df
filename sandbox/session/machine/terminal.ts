import { type TerminalDown, terminalUp } from '@helix/contract/machine-use'
import type { RawData, WebSocket } from 'ws'
import { killMarked } from './marked.ts'
import type { Pty } from './pty.ts'
import type { Recording } from './recording.ts'
import { Scrollback } from './scrollback.ts'

/** Units: bytes. */
const scrollbackBytes = 512 * 1024
const chunkBytes = 64 * 1024
/** A viewer with more than this on the way gets no more until it has taken some. */
const mostOnTheWay = 512 * 1024

interface Viewer {
  socket: WebSocket
  at: number
}

/** One shell on a terminal. It runs whether or not somebody looks, and a viewer that is slow sees less instead of holding it up. */
export class Terminal {
  readonly id: string
  readonly name: string
  readonly createdAt = new Date().toISOString()
  readonly recording: Recording
  exitCode: number | null = null
  private readonly pty: Pty
  private readonly mark: { HELIX_RUN: string }
  private readonly scrollback = new Scrollback(scrollbackBytes)
  private readonly viewers = new Set<Viewer>()
  readonly ended: Promise<void>

  constructor(input: { id: string; name: string; note: string | null; pty: Pty; mark: { HELIX_RUN: string }; recording: Recording }) {
    const { id, name, note, pty, mark, recording } = input
    this.mark = mark
    this.id = id
    this.name = name
    this.pty = pty
    this.recording = recording
    if (note !== null) this.wrote(Buffer.from(`\x1b[2m${note}\x1b[0m\r\n`))
    pty.child.stdout?.on('data', (data: Buffer) => this.wrote(data))
    this.ended = new Promise((resolve) => {
      const end = (code: number): void => {
        this.exitCode ??= code
        this.tellAll({ type: 'exit', exitCode: this.exitCode })
        void recording.close().then(resolve)
      }
      pty.child.once('close', (code) => end(code ?? 137))
      pty.child.once('error', () => end(127))
    })
  }

  get watched(): number {
    return this.viewers.size
  }

  /** `after`: the offset behind what was seen already; null: nothing. */
  attach(socket: WebSocket, after: number | null): void {
    const { start, end } = this.scrollback
    const seen = after !== null && after >= start && after <= end
    const viewer: Viewer = { socket, at: seen ? after : this.scrollback.beginning() }
    this.viewers.add(viewer)
    socket.on('close', () => this.viewers.delete(viewer))
    socket.on('error', () => socket.terminate())
    socket.on('message', (data, isBinary) => this.received(data, isBinary))
    tell(socket, { type: 'at', offset: viewer.at, restart: !seen })
    this.pump(viewer)
    if (this.exitCode !== null) tell(socket, { type: 'exit', exitCode: this.exitCode })
  }

  async close(): Promise<void> {
    await killMarked(this.pty.child.pid, this.mark)
    await this.ended
    for (const { socket } of this.viewers) socket.close(1000, 'closed')
  }

  private received(data: RawData, isBinary: boolean): void {
    if (this.exitCode !== null) return
    if (isBinary) {
      this.pty.write(data as Buffer)
      return
    }
    const frame = terminalUp.safeParse(parse(String(data)))
    if (!frame.success) return
    this.pty.resize(frame.data.columns, frame.data.rows)
    this.recording.resize(frame.data.columns, frame.data.rows)
  }

  private wrote(data: Buffer): void {
    this.scrollback.add(data)
    this.recording.output(data)
    for (const viewer of this.viewers) this.pump(viewer)
  }

  private pump(viewer: Viewer): void {
    const { socket } = viewer
    while (viewer.at < this.scrollback.end && socket.readyState === socket.OPEN && socket.bufferedAmount < mostOnTheWay) {
      if (viewer.at < this.scrollback.start) {
        viewer.at = this.scrollback.beginning()
        tell(socket, { type: 'at', offset: viewer.at, restart: true })
      }
      const data = this.scrollback.read(viewer.at, chunkBytes)
      viewer.at += data.length
      socket.send(data, () => this.pump(viewer))
    }
  }

  private tellAll(frame: TerminalDown): void {
    for (const { socket } of this.viewers) tell(socket, frame)
  }
}

function tell(socket: WebSocket, frame: TerminalDown): void {
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
