import type { ConversationDialect } from '../ports/candidate.ts'
import type { Counts } from '../ports/counts.ts'

type Numbers = Readonly<Record<string, unknown>>

/** What OpenAI’s, Anthropic’s and Google’s words for tokens have in common. A field that is absent keeps what was known. */
export type Usage = Omit<Counts, 'estimated'>

const whole = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 && value < 1e12 ? Math.trunc(value) : undefined
const inside = (value: unknown): Numbers => (typeof value === 'object' && value !== null ? (value as Numbers) : {})

function fromOpenAi(usage: Numbers): Usage {
  const input = inside(usage.prompt_tokens_details ?? usage.input_tokens_details)
  const output = inside(usage.completion_tokens_details ?? usage.output_tokens_details)
  return {
    input: whole(usage.prompt_tokens) ?? whole(usage.input_tokens) ?? 0,
    output: whole(usage.completion_tokens) ?? whole(usage.output_tokens) ?? 0,
    cachedInput: whole(input.cached_tokens) ?? whole(usage.prompt_cache_hit_tokens) ?? 0,
    cacheWrite: whole(input.cache_write_tokens) ?? 0,
    reasoning: whole(output.reasoning_tokens) ?? 0,
  }
}

/** Anthropic counts what was cached beside the input, and says the input only at the beginning of a stream. */
function fromAnthropic(usage: Numbers, before: Usage | null): Usage {
  const cachedInput = whole(usage.cache_read_input_tokens) ?? before?.cachedInput ?? 0
  const cacheWrite = whole(usage.cache_creation_input_tokens) ?? before?.cacheWrite ?? 0
  const plainBefore = before === null ? 0 : before.input - before.cachedInput - before.cacheWrite
  return {
    input: (whole(usage.input_tokens) ?? plainBefore) + cachedInput + cacheWrite,
    output: whole(usage.output_tokens) ?? before?.output ?? 0,
    cachedInput,
    cacheWrite,
    reasoning: before?.reasoning ?? 0,
  }
}

function fromGoogle(usage: Numbers): Usage {
  const reasoning = whole(usage.thoughtsTokenCount) ?? 0
  return {
    input: (whole(usage.promptTokenCount) ?? 0) + (whole(usage.toolUsePromptTokenCount) ?? 0),
    output: (whole(usage.candidatesTokenCount) ?? 0) + reasoning,
    cachedInput: whole(usage.cachedContentTokenCount) ?? 0,
    cacheWrite: 0,
    reasoning,
  }
}

/** What one event or a whole answer says of usage; `before` where it says nothing. Null dialect: OpenAI’s paths besides conversations. */
export function readUsage(dialect: ConversationDialect | null, body: Numbers, before: Usage | null): Usage | null {
  if (dialect === 'generate') {
    const { usageMetadata } = body
    return typeof usageMetadata === 'object' && usageMetadata !== null ? fromGoogle(inside(usageMetadata)) : before
  }
  const usage = body.usage ?? inside(body.message).usage ?? inside(body.response).usage
  if (typeof usage !== 'object' || usage === null) return before
  return dialect === 'messages' ? fromAnthropic(inside(usage), before) : fromOpenAi(inside(usage))
}

/** Finds usage in a text that is too long to be parsed, or of which only a part is at hand: the last object under its name. */
export function usageWithin(dialect: ConversationDialect | null, text: string, before: Usage | null): Usage | null {
  const name = dialect === 'generate' ? 'usageMetadata' : 'usage'
  const found = text.lastIndexOf(`"${name}"`)
  const start = found === -1 ? -1 : text.indexOf('{', found)
  if (start === -1 || !/^\s*:\s*$/.test(text.slice(found + name.length + 2, start))) return before
  let depth = 0
  for (let at = start; at < text.length && at - start < 8192; at++) {
    if (text[at] === '{') depth++
    if (text[at] === '}' && --depth === 0) return readUsage(dialect, { [name]: parsedOr(text.slice(start, at + 1)) }, before)
  }
  return before
}

/** Null: no JSON. */
export function parsedOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
