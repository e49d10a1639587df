import { shortestRedacted } from '@helix/contract/secrets'

interface Needle {
  text: string
  shown: string
}

/** Units: characters of a line of a secret of several lines, below which it is no secret by itself. */
const shortestLine = 12

/** The forms in which a value turns up: as it is, inside JSON, in a URL, in base64, and line by line. */
function formsOf(value: string): string[] {
  const plain = [value, value.trim()]
  const encoded = plain.flatMap((text) => [JSON.stringify(text).slice(1, -1), encodeURIComponent(text.toWellFormed())])
  const base64 = plain.map((text) => Buffer.from(text).toString('base64').replace(/=+$/, ''))
  const lines = value.includes('\n') ? value.split(/\r?\n/).filter((line) => line.trim().length >= shortestLine) : []
  return [...new Set([...plain, ...encoded, ...base64, ...lines])].filter((form) => form.length >= shortestRedacted)
}

/** Blacks out what nobody is to read: in the journal, in the log, and in what a failure says. */
export class Redactor {
  private readonly needles: Needle[]

  constructor(secrets: readonly { name: string; value: string }[]) {
    this.needles = secrets
      .flatMap(({ name, value }) => formsOf(value).map((text) => ({ text, shown: `[${name}]` })))
      // The longest first: a value within another would leave the rest of it.
      .sort((a, b) => b.text.length - a.text.length)
  }

  text(text: string): string {
    return this.needles.reduce(
      (result, needle) => (result.includes(needle.text) ? result.replaceAll(needle.text, needle.shown) : result),
      text,
    )
  }

  /**
   * A file's bytes with asterisks in place of what nobody is to read, of the same length, so that offsets in it stay true; null: there is nothing.
   * `torn`: the file keeps long values in pieces, of which the larger one is found.
   */
  bytes(content: Buffer, torn: boolean): Buffer | null {
    let masked: Buffer | null = null
    for (const { text } of this.needles) {
      for (const [from, to] of placesOf(content, Buffer.from(text), torn)) {
        masked ??= Buffer.from(content)
        masked.fill('*', from, to)
      }
    }
    return masked
  }

  /** Every string in a JSON value. */
  deep<T>(value: T): T {
    if (this.needles.length === 0) return value
    if (typeof value === 'string') return this.text(value) as T
    if (Array.isArray(value)) return value.map((item) => this.deep(item)) as T
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.deep(item)])) as T
    return value
  }

  /** How many characters at the end of a stream's text may be the beginning of a secret whose rest is still to come. */
  pending(text: string): number {
    return this.needles.reduce((most, needle) => Math.max(most, beginningAtEnd(text, needle.text)), 0)
  }
}

/** Units: bytes that a piece is looked for by. */
const seedBytes = 8

/** Where a value stands; with `torn` also the first or last half of it and more. */
function* placesOf(content: Buffer, needle: Buffer, torn: boolean): Generator<[from: number, to: number]> {
  if (!torn || needle.length < 2 * seedBytes) {
    for (let at = content.indexOf(needle); at !== -1; at = content.indexOf(needle, at + needle.length)) yield [at, at + needle.length]
    return
  }
  const [first, last] = [needle.subarray(0, seedBytes), needle.subarray(-seedBytes)]
  for (let at = content.indexOf(first); at !== -1; at = content.indexOf(first, at + seedBytes)) {
    let length = seedBytes
    while (length < needle.length && content[at + length] === needle[length]) length++
    if (length * 2 >= needle.length) yield [at, at + length]
  }
  for (let at = content.indexOf(last); at !== -1; at = content.indexOf(last, at + seedBytes)) {
    let length = seedBytes
    while (length < needle.length && content[at + seedBytes - length - 1] === needle[needle.length - length - 1]) length++
    if (length * 2 >= needle.length) yield [at + seedBytes - length, at + seedBytes]
  }
}

/** The longest end of `text` that `needle` begins with. */
function beginningAtEnd(text: string, needle: string): number {
  for (let length = Math.min(text.length, needle.length - 1); length > 0; length--) {
    if (text[text.length - length] === needle[0] && text.endsWith(needle.slice(0, length))) return length
  }
  return 0
}

export const nothingRedacted = new Redactor([])
