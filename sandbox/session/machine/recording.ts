import { createWriteStream, type WriteStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import type { Redactor } from '../redactor.ts'

/** Units: bytes of one recording; what comes later is not in it. */
const mostBytes = 8 * 1024 * 1024

/** What a terminal showed, as asciicast v2: https://docs.asciinema.org/manual/asciicast/v2/. Secrets are blacked out. */
export class Recording {
  private readonly stream: WriteStream
  private readonly redactor: Redactor
  private readonly decoder = new StringDecoder('utf8')
  private readonly started = performance.now()
  private held = ''
  private full = false
  bytes = 0

  constructor(path: string, header: { columns: number; rows: number; name: string }, redactor: Redactor) {
    this.redactor = redactor
    this.stream = createWriteStream(path, { mode: 0o600 })
    // A full disk costs the recording and not the terminal.
    this.stream.on('error', () => {
      this.full = true
    })
    const timestamp = Math.floor(Date.now() / 1000)
    this.write({ version: 2, width: header.columns, height: header.rows, timestamp, title: header.name })
  }

  output(data: Buffer): void {
    const text = this.held + this.decoder.write(data)
    const pending = this.redactor.pending(text)
    this.held = pending === 0 ? '' : text.slice(-pending)
    this.event('o', this.redactor.text(pending === 0 ? text : text.slice(0, -pending)))
  }

  resize(columns: number, rows: number): void {
    this.event('r', `${columns}x${rows}`)
  }

  async close(): Promise<void> {
    this.event('o', this.redactor.text(this.held + this.decoder.end()))
    await new Promise<void>((resolve) => this.stream.end(() => resolve()))
  }

  private event(kind: 'o' | 'r', text: string): void {
    if (this.full || text === '') return
    if (this.bytes > mostBytes) {
      this.write([this.seconds, 'o', '\r\n[the recording ends here: it is full]\r\n'])
      this.full = true
      return
    }
    this.write([this.seconds, kind, text])
  }

  private get seconds(): number {
    return Math.round(performance.now() - this.started) / 1000
  }

  private write(value: unknown): void {
    const line = `${JSON.stringify(value)}\n`
    this.bytes += Buffer.byteLength(line)
    this.stream.write(line)
  }
}
