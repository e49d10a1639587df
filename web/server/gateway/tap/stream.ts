import type { ConversationDialect } from '../ports/candidate.ts'
import { Lines } from './lines.ts'
import { parsedOr, readUsage, type Usage, usageWithin } from './usage.ts'

/** Units: UTF-16 units. A longer event is not parsed: usage is looked up in it. */
const longestParsed = 256 * 1024

const ended: Readonly<Record<ConversationDialect, (data: string) => boolean>> = {
  chat: (data) => data === '[DONE]',
  responses: (data) => /^\{"type":\s*"(response\.(completed|incomplete|failed|cancelled)|error)"/.test(data),
  messages: (data) => data.includes('"message_stop"') || /^\{"type":\s*"error"/.test(data),
  generate: (data) => /"(finishReason|blockReason)":\s*"/.test(data) || data.startsWith('{"error"'),
}

const tells: Readonly<Record<ConversationDialect, string>> = {
  chat: '"usage"',
  responses: '"usage"',
  messages: '"usage"',
  generate: '"usageMetadata"',
}

/** What a model said stands in strings under these names. A quote in it is escaped, so names in its words are not found. */
const words =
  /"(?:content|text|delta|partial_json|arguments|thinking|reasoning|reasoning_content|refusal|input_json_delta)":\s*"((?:[^"\\]|\\.){1,65536})/g

export const idOf = (text: string): string | null => /"id":\s*"(resp_[\w-]{1,190})"/.exec(text.slice(0, 4096))?.[1] ?? null

/** Looks on while a stream of one dialect passes: usage, whether it came to its end, and how much was said. */
export class StreamTap {
  usage: Usage | null = null
  complete = false
  /** Of a response that its provider may keep. */
  responseId: string | null = null
  /** Units: bytes of words, for a count where usage is silent. */
  said = 0
  readonly lines: Lines
  private readonly dialect: ConversationDialect

  constructor(dialect: ConversationDialect) {
    this.dialect = dialect
    this.lines = new Lines((line) => this.learn(line))
  }

  /** What is left when no more comes: a last line without its line end passes where it is whole by its content, else it never happened. */
  finish(): readonly Buffer[] {
    const { rest, line } = this.lines.finish()
    const data = /^data: ?(.*)$/.exec(line)?.[1]?.trim()
    if (data === undefined || (data !== '[DONE]' && parsedOr(data) === null)) return []
    this.learn(line)
    return rest
  }

  private learn(line: string): void {
    if (!line.startsWith('data:')) return
    const data = line.slice(line[5] === ' ' ? 6 : 5)
    if (ended[this.dialect](data)) this.complete = true
    if (this.dialect === 'responses') this.responseId ??= idOf(data)
    if (data.includes(tells[this.dialect])) this.count(data)
    // The end of a stream in Responses repeats all that was said.
    if (this.complete && this.dialect === 'responses') return
    for (const match of data.matchAll(words)) this.said += match[1]?.length ?? 0
  }

  private count(data: string): void {
    const body = data.length > longestParsed ? null : parsedOr(data)
    if (typeof body === 'object' && body !== null) this.usage = readUsage(this.dialect, body as Record<string, unknown>, this.usage)
    else this.usage = usageWithin(this.dialect, data, this.usage)
  }
}
