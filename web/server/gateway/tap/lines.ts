const newline = 0x0a

/** Units: bytes. Of a longer line only its beginning and its end are kept for reading; it passes as it is. */
const longest = 1024 * 1024
const keptHead = 1024
const keptTail = 128 * 1024

/**
 * Cuts a stream of server-sent events at line ends. Only whole lines pass, so that a stream that breaks can still be ended with an event that clients
 * understand; a line that is longer than the bound passes in pieces.
 */
export class Lines {
  private held: Buffer[] = []
  private heldBytes = 0
  /** Of a line that passes in pieces: its beginning and the newest of it. */
  private long: { head: string; tail: Buffer } | null = null
  private readonly onLine: (line: string) => void
  /** Nothing but whole events has passed. */
  atEvent = true

  constructor(onLine: (line: string) => void) {
    this.onLine = onLine
  }

  /** What may pass now. */
  take(chunk: Buffer): readonly Buffer[] {
    const end = chunk.lastIndexOf(newline)
    if (end === -1) return this.hold(chunk)
    const whole = end + 1 === chunk.length ? chunk : chunk.subarray(0, end + 1)
    const pass = this.heldBytes === 0 ? [whole] : [...this.held, whole]
    this.read(pass)
    this.held = []
    this.heldBytes = 0
    const rest = end + 1 === chunk.length ? [] : this.hold(chunk.subarray(end + 1))
    this.atEvent = this.long === null && blankAtEnd(whole)
    return rest.length === 0 ? pass : [...pass, ...rest]
  }

  /** A last line without its line end. */
  finish(): { rest: readonly Buffer[]; line: string } {
    const rest = this.held
    const line = this.unfinished(Buffer.concat(rest))
    this.held = []
    this.heldBytes = 0
    if (rest.length > 0) this.atEvent = false
    return { rest, line }
  }

  private hold(part: Buffer): readonly Buffer[] {
    this.held.push(part)
    this.heldBytes += part.length
    if (this.long === null && this.heldBytes <= longest) return []
    const pass = this.held
    const bytes = Buffer.concat(this.long === null ? pass : [this.long.tail, ...pass])
    this.long = { head: this.long?.head ?? bytes.toString('latin1', 0, keptHead), tail: Buffer.from(bytes.subarray(-keptTail)) }
    this.held = []
    this.heldBytes = 0
    this.atEvent = false
    return pass
  }

  private read(parts: readonly Buffer[]): void {
    const bytes = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
    let at = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, at)) {
      if (this.long !== null) this.line(this.unfinished(bytes.subarray(at, end)))
      // Latin-1 is many times quicker to read than UTF-8, and names and numbers are the same in both.
      else if (end - at > 1) this.line(bytes.toString('latin1', at, end))
      at = end + 1
    }
  }

  private unfinished(rest: Buffer): string {
    const long = this.long
    this.long = null
    return long === null ? rest.toString('latin1') : `${long.head}${long.tail.toString('latin1')}${rest.toString('latin1')}`
  }

  private line(text: string): void {
    this.onLine(text.endsWith('\r') ? text.slice(0, -1) : text)
  }
}

/** It ends with an empty line. */
function blankAtEnd(bytes: Buffer): boolean {
  const before = bytes[bytes.length - 2]
  return before === newline || (before === 0x0d && bytes[bytes.length - 3] === newline) || bytes.length === 1
}
