import { type SupervisorDown, type SupervisorUp, supervisorUp } from '@helix/contract/link'
import type { JournalEntry } from '@helix/contract/sessions'
import { WebSocket } from 'ws'

/** What a host knows of one supervisor: every frame, and the journal as it would be stored, once by sequence. */
export class LinkClient {
  readonly frames: SupervisorUp[] = []
  readonly journal = new Map<number, JournalEntry>()
  acknowledging = true
  private readonly socket: WebSocket

  private constructor(socket: WebSocket, earlier: LinkClient | undefined) {
    this.socket = socket
    if (earlier !== undefined) for (const [sequence, entry] of earlier.journal) this.journal.set(sequence, entry)
    socket.on('message', (data) => this.take(supervisorUp.parse(JSON.parse(String(data)))))
  }

  /** Dials until the supervisor answers. */
  static async dial(port: number, secret: string, options: { earlier?: LinkClient; address?: string } = {}): Promise<LinkClient> {
    for (const end = Date.now() + 20_000; ; ) {
      const socket = new WebSocket(`ws://${options.address ?? '127.0.0.1'}:${port}/link`, {
        headers: { authorization: `Bearer ${secret}` },
      })
      const client = new LinkClient(socket, options.earlier)
      const opened = await new Promise<boolean>((resolve) => socket.once('open', () => resolve(true)).once('error', () => resolve(false)))
      if (opened) return client
      if (Date.now() > end) throw new Error('the supervisor does not listen')
      await new Promise((resolve) => setTimeout(resolve, 30))
    }
  }

  private take(frame: SupervisorUp): void {
    this.frames.push(frame)
    if (frame.type !== 'entries') return
    for (const entry of frame.entries) {
      const known = this.journal.get(entry.sequence)
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(entry)) throw new Error(`entry ${entry.sequence} changed`)
      this.journal.set(entry.sequence, entry)
    }
    if (this.acknowledging) this.send({ type: 'ack', upTo: frame.entries.at(-1)?.sequence ?? 0 })
  }

  send(frame: SupervisorDown): void {
    this.socket.send(JSON.stringify(frame))
  }

  sendRaw(text: string): void {
    this.socket.send(text)
  }

  prompt(promptId: string, text: string): void {
    this.send({ type: 'prompt', promptId, origin: 'workflow', author: null, text })
  }

  drop(): void {
    this.socket.terminate()
  }

  get closed(): Promise<number> {
    return new Promise((resolve) => this.socket.once('close', (code) => resolve(code)))
  }

  /** The entries in order; throws where a number is missing. */
  entries(): JournalEntry[] {
    return [...this.journal.keys()]
      .sort((a, b) => a - b)
      .map((sequence, at) => {
        const entry = this.journal.get(sequence)
        if (entry === undefined || sequence !== at + 1) throw new Error(`entry ${at + 1} is missing`)
        return entry
      })
  }

  /** Everything of one kind, as text to look into. */
  texts(kind: JournalEntry['payload']['kind']): string[] {
    return this.entries()
      .filter(({ payload }) => payload.kind === kind)
      .map(({ payload }) => ('text' in payload ? payload.text : JSON.stringify(payload)))
  }

  async until<T>(what: string, look: () => T | undefined | false, deadlineMs = 30_000): Promise<T> {
    for (const end = Date.now() + deadlineMs; Date.now() < end; ) {
      const found = look()
      if (found !== undefined && found !== false) return found
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`waited ${deadlineMs} ms for ${what}; last frames: ${JSON.stringify(this.frames.slice(-5))}`)
  }

  result(promptId: string, deadlineMs = 30_000) {
    return this.until(
      `the result of ${promptId}`,
      () => this.frames.find((frame) => frame.type === 'turn' && frame.result.promptId === promptId),
      deadlineMs,
    ).then((frame) => (frame as Extract<SupervisorUp, { type: 'turn' }>).result)
  }

  state(wanted: string) {
    return this.until(`state ${wanted}`, () => this.status()?.state === wanted && this.status())
  }

  /** The newest state that was told. */
  status() {
    return this.frames.findLast((frame) => frame.type === 'hello' || frame.type === 'state')
  }
}
