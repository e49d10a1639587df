import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { HelixError } from '@helix/contract/errors'
import { mostTerminals, type Terminal as Shown, type terminalBody } from '@helix/contract/machine-use'
import type { WebSocket } from 'ws'
import type { z } from 'zod'
import type { Redactor } from '../redactor.ts'
import { shellOf } from '../user.ts'
import type { Place } from './exec.ts'
import { newMark } from './marked.ts'
import { openPty, type WaitingPty } from './pty.ts'
import { Recording } from './recording.ts'
import { Terminal } from './terminal.ts'

/** How many recordings of ended terminals are kept, the newest. */
const mostRecordings = 32
const ending = '.cast'

/** The terminals of one start of the session, and what is recorded of them and of earlier ones. */
export class Terminals {
  private readonly folder: string
  private readonly redactor: Redactor
  private readonly running = new Map<string, Terminal>()
  private opening = 0
  /** Of the first terminal. */
  private waited: WaitingPty | null

  /** `folder`: on the session's volume; made when first used. `waited`: started for the first terminal. */
  constructor(folder: string, redactor: Redactor, waited: WaitingPty | null = null) {
    this.folder = folder
    this.waited = waited
    this.redactor = redactor
  }

  /** `note`: a line before everything; null: none. */
  async open(place: Place, wanted: z.output<typeof terminalBody>, note: string | null): Promise<Shown> {
    if (this.running.size + this.opening >= mostTerminals)
      throw new HelixError('conflict', `${mostTerminals} terminals are open in this session: close one first.`)
    this.opening++
    try {
      return await this.start(place, wanted, note)
    } finally {
      this.opening--
    }
  }

  private async start(place: Place, { name, columns, rows }: z.output<typeof terminalBody>, note: string | null): Promise<Shown> {
    const id = randomBytes(8).toString('hex')
    const called = name ?? `Terminal ${this.running.size + 1}`
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    await this.forgetOld()
    const mark = newMark()
    const env = { ...place.env, TERM: 'xterm-256color', COLORTERM: 'truecolor', ...mark }
    const pty = openPty({ ...place, env, command: shellOf(place.user), columns, rows, waited: this.waited })
    this.waited = null
    if (pty.child.pid === undefined) {
      await new Promise((resolve) => pty.child.once('error', resolve))
      throw new HelixError('conflict', 'A terminal needs python3 in the image of the session.')
    }
    const recording = new Recording(this.path(id), { columns, rows, name: called }, this.redactor)
    const terminal = new Terminal({ id, name: called, note, pty, mark, recording })
    this.running.set(id, terminal)
    void terminal.ended.then(() => this.running.delete(id))
    return shown(terminal)
  }

  /** Those that run, the oldest first, then what is left of others, the newest first. */
  async list(): Promise<Shown[]> {
    const names = await readdir(this.folder).catch(() => [])
    const ids = names.filter((name) => name.endsWith(ending)).map((name) => name.slice(0, -ending.length))
    const over = await Promise.all(ids.filter((id) => !this.running.has(id)).map((id) => this.recorded(id)))
    over.sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1))
    return [...[...this.running.values()].map(shown), ...over]
  }

  attach(id: string, socket: WebSocket, after: number | null): void {
    const terminal = this.running.get(id)
    if (terminal === undefined) socket.close(4004, 'there is no such terminal, or it has ended')
    else terminal.attach(socket, after)
  }

  async close(id: string): Promise<void> {
    const terminal = this.running.get(id)
    if (terminal !== undefined) return terminal.close()
    // Closing a terminal that has ended forgets its recording.
    await rm(this.path(id), { force: true })
  }

  async sendRecording(id: string, response: ServerResponse): Promise<void> {
    const path = this.path(id)
    if ((await stat(path).catch(() => null)) === null) throw new HelixError('not_found', 'There is no such recording.')
    response.writeHead(200, { 'content-type': 'application/x-asciicast' })
    await pipeline(createReadStream(path), response)
  }

  async closeAll(): Promise<void> {
    this.waited?.end()
    await Promise.all([...this.running.values()].map((terminal) => terminal.close()))
  }

  /** Ids are checked by the contract: hexadecimal digits. */
  private path(id: string): string {
    return join(this.folder, `${id}${ending}`)
  }

  private async recorded(id: string): Promise<Shown> {
    const file = await open(this.path(id))
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(1000), 0, 1000, 0)
      const { size, birthtime } = await file.stat()
      const title = /"title":("(?:[^"\\]|\\.)*")/.exec(buffer.toString('utf8', 0, bytesRead))?.[1]
      const name = title === undefined ? 'Terminal' : (JSON.parse(title) as string)
      return { id, name, createdAt: birthtime.toISOString(), running: false, exitCode: null, viewers: 0, recordedBytes: size }
    } finally {
      await file.close()
    }
  }

  private async forgetOld(): Promise<void> {
    const over = (await this.list()).filter(({ running }) => !running)
    for (const { id } of over.slice(mostRecordings - 1)) await rm(this.path(id), { force: true })
  }
}

const shown = (terminal: Terminal): Shown => ({
  id: terminal.id,
  name: terminal.name,
  createdAt: terminal.createdAt,
  running: terminal.exitCode === null,
  exitCode: terminal.exitCode,
  viewers: terminal.watched,
  recordedBytes: terminal.recording.bytes,
})
