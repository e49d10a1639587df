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

/** The longest end of `text` that `needle` begins with. */
function beginningAtEnd(text: string, needle: string): number {
  for (let length = Math.min(text.length, needle.length - 1); length > 0; length--) {
    if (text[text.length - length] === needle[0] && text.endsWith(needle.slice(0, length))) return length
  }
  return 0
}

export const nothingRedacted = new Redactor([])
