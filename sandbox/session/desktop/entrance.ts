import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { DesktopHandler } from '../link/server.ts'
import type { Desktop, DesktopInput } from './desktop.ts'
import type { DesktopLink } from './link.ts'
import { Peek } from './peek.ts'
import type { DesktopUse } from './use.ts'

interface Opened {
  link: DesktopLink
  use: DesktopUse
  desktop: Desktop
  stop(): void
}

/** The way to the desktop. What it is made of is loaded when somebody first comes: most of a session’s life nobody does. */
export class Entrance implements DesktopHandler {
  /** Why there is no desktop, for people; null: there may be one. */
  readonly refusal: string | null
  private readonly input: DesktopInput
  private readonly began: () => void
  private opened: Promise<Opened> | null = null
  private over = false
  /** It was started. */
  running = false
  private readonly peeking = new Peek()

  /** `began`: the desktop runs from now on. */
  constructor(input: DesktopInput & { refusal: string | null; began?: () => void }) {
    this.input = { ...input, env: { ...input.env, XDG_RUNTIME_DIR: input.place.sockets, PULSE_RUNTIME_PATH: input.place.sockets } }
    this.refusal = input.refusal
    this.began = input.began ?? (() => undefined)
  }

  /** Rejects with a sentence where there is no desktop. Nothing is started yet. */
  async use(): Promise<DesktopUse> {
    return (await this.open()).use
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (this.refusal !== null) return refuse(socket, this.refusal)
    const { link } = await this.open()
    link.upgrade(request, socket, head)
  }

  /** Nothing is loaded, and nothing started, for who only peeks. */
  async peek(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.refusal !== null) response.writeHead(409, { 'content-type': 'text/plain; charset=utf-8' }).end(this.refusal)
    else await this.peeking.answer(request, response)
  }

  async stop(): Promise<void> {
    this.over = true
    const opened = await this.opened?.catch(() => null)
    opened?.stop()
  }

  private cameUp(): void {
    if (this.running) return
    this.running = true
    this.began()
  }

  private open(): Promise<Opened> {
    if (this.refusal !== null) return Promise.reject(new Error(this.refusal))
    if (this.over) return Promise.reject(new Error('The session ends.'))
    this.opened ??= load(this.input, () => this.cameUp()).then((opened) => {
      this.peeking.at(opened.desktop)
      return opened
    })
    return this.opened
  }
}

async function load(input: DesktopInput, cameUp: () => void): Promise<Opened> {
  const [{ Desktop }, { DesktopLink }, { DesktopUse }] = await Promise.all([
    import('./desktop.ts'),
    import('./link.ts'),
    import('./use.ts'),
  ])
  const desktop = new Desktop(input)
  desktop.attend({ ran: (running) => running && cameUp() })
  const link = new DesktopLink(desktop, input.log)
  const stop = (): void => {
    link.close()
    desktop.stop()
  }
  return { link, use: new DesktopUse(desktop, link), desktop, stop }
}

function refuse(socket: Duplex, sentence: string): void {
  const body = Buffer.from(sentence)
  socket.write('HTTP/1.1 409 Conflict\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n')
  socket.end(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]))
}
