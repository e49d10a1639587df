import { HelixError } from '@helix/contract/errors'

/** Where a value stands in the body: units are bytes, the end is not part of it. */
export interface Span {
  start: number
  end: number
}

export interface Scanned {
  /** Of the fields that were looked for, those that the object has at its top. */
  fields: ReadonlyMap<string, Span>
  /** Units: bytes, of pictures, sounds and documents that stand in the body. */
  mediaBytes: number
  media: number
}

const quote = 0x22
const backslash = 0x5c
/** Units: bytes. A shorter text is no picture worth counting apart. */
const shortestMedia = 2048
const mediaKey = /"(data|url|image_url|file_data)"\s*:\s*$/

/** What may stand between strings in JSON. Parsers that take more (comments, single quotes) would read another body than this one. */
const between = new Uint8Array(256)
for (const char of ' \t\r\n{}[],:-+.0123456789eEtrufalsn') between[char.charCodeAt(0)] = 1

const malformed = (): HelixError => new HelixError('invalid_request', 'The body is not a JSON object.')

/**
 * Finds fields at the top of a JSON object without parsing the rest: prompts of agents have hundreds of kilobytes. A field that is given twice is refused, since
 * parsers differ in which of the two they take.
 */
class Scanner {
  private readonly body: Buffer
  private at = 0
  mediaBytes = 0
  media = 0

  constructor(body: Buffer) {
    this.body = body
  }

  scan(wanted: ReadonlySet<string>): Map<string, Span> {
    const fields = new Map<string, Span>()
    this.expect(0x7b)
    this.skipSpace()
    if (this.body[this.at] === 0x7d) this.at++
    else this.members(wanted, fields)
    this.skipSpace()
    if (this.at !== this.body.length) throw malformed()
    return fields
  }

  private members(wanted: ReadonlySet<string>, fields: Map<string, Span>): void {
    for (;;) {
      this.skipSpace()
      const key = this.key()
      this.expect(0x3a)
      this.skipSpace()
      const start = this.at
      this.value()
      if (wanted.has(key)) {
        if (fields.has(key)) throw new HelixError('invalid_request', `${key}: is given twice.`, { fields: { [key]: 'is given twice' } })
        fields.set(key, { start, end: this.at })
      }
      this.skipSpace()
      const next = this.body[this.at++]
      if (next === 0x7d) return
      if (next !== 0x2c) throw malformed()
    }
  }

  private skipSpace(): void {
    for (;;) {
      const byte = this.body[this.at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return
      this.at++
    }
  }

  private expect(byte: number): void {
    this.skipSpace()
    if (this.body[this.at++] !== byte) throw malformed()
  }

  private key(): string {
    const start = this.at
    if (this.body[start] !== quote) throw malformed()
    this.string()
    const raw = this.body.toString('utf8', start, this.at)
    return raw.includes('\\') ? parsed<string>(raw) : raw.slice(1, -1)
  }

  private value(): void {
    const byte = this.body[this.at]
    if (byte === quote) this.string()
    else if (byte === 0x7b || byte === 0x5b) this.nested()
    else this.literal()
  }

  private literal(): void {
    const start = this.at
    while (this.at < this.body.length && !',}] \t\r\n'.includes(String.fromCharCode(this.body[this.at] ?? 0))) this.at++
    parsed(this.body.toString('latin1', start, this.at))
  }

  /** From the opening to behind the closing bracket: brackets must match; the rest is the provider’s to judge. */
  private nested(): void {
    const { body } = this
    const open: number[] = []
    do {
      const byte = body[this.at]
      if (byte === undefined || (byte !== quote && between[byte] !== 1)) throw malformed()
      if (byte === quote) {
        this.string()
        continue
      }
      this.at++
      if (byte === 0x7b || byte === 0x5b) open.push(byte + 2)
      else if ((byte === 0x7d || byte === 0x5d) && open.pop() !== byte) throw malformed()
    } while (open.length > 0)
  }

  private string(): void {
    const start = this.at
    this.at = this.endOfString(start + 1)
    if (this.at - start < shortestMedia) return
    if (!mediaKey.test(this.body.toString('latin1', Math.max(0, start - 40), start))) return
    this.mediaBytes += this.at - start
    this.media++
  }

  private endOfString(from: number): number {
    const { body } = this
    let at = from
    // Most strings are short: a search has a price of its own.
    for (const near = Math.min(body.length, from + 48); at < near; at++) {
      const byte = body[at]
      if (byte === quote) return at + 1
      if (byte === backslash) at++
    }
    for (;;) {
      const found = body.indexOf(quote, at)
      if (found === -1) throw malformed()
      let escapes = 0
      while (body[found - 1 - escapes] === backslash && found - 1 - escapes >= at) escapes++
      if (escapes % 2 === 0) return found + 1
      at = found + 1
    }
  }
}

function parsed<T>(text: string): T {
  try {
    return JSON.parse(text) as T
  } catch (error) {
    if (error instanceof SyntaxError) throw malformed()
    throw error
  }
}

/** Throws `invalid_request` for what is no JSON object. */
export function scanObject(body: Buffer, wanted: ReadonlySet<string>): Scanned {
  const scanner = new Scanner(body)
  const fields = scanner.scan(wanted)
  return { fields, mediaBytes: scanner.mediaBytes, media: scanner.media }
}

/** The value of a field; undefined: the object does not have it. */
export function fieldOf(body: Buffer, scanned: Scanned, name: string): unknown {
  const span = scanned.fields.get(name)
  return span === undefined ? undefined : parsed(body.toString('utf8', span.start, span.end))
}
