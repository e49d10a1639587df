import type { Dialect } from './request.ts'

/** What one event of a stream adds. */
export interface Piece {
  text?: string
  thinking?: string
  input?: number
  output?: number
  cached?: number
  error?: string
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a provider sends
type Event = any

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

function chat(event: Event): Piece {
  const delta = event.choices?.[0]?.delta
  const usage = event.usage
  return {
    text: delta?.content ?? undefined,
    thinking: delta?.reasoning_content ?? delta?.reasoning ?? undefined,
    input: number(usage?.prompt_tokens),
    output: number(usage?.completion_tokens),
    cached: number(usage?.prompt_tokens_details?.cached_tokens),
  } as Piece
}

function messages(event: Event): Piece {
  const usage = event.message?.usage ?? event.usage
  const cached = number(usage?.cache_read_input_tokens)
  const fresh = number(usage?.input_tokens)
  return {
    text: event.delta?.text,
    thinking: event.delta?.thinking,
    // Anthropic counts what was cached beside the input.
    input: fresh === undefined ? undefined : fresh + (cached ?? 0) + (number(usage?.cache_creation_input_tokens) ?? 0),
    output: number(usage?.output_tokens),
    cached,
  } as Piece
}

function responses(event: Event): Piece {
  const usage = event.response?.usage
  return {
    text: event.type === 'response.output_text.delta' ? event.delta : undefined,
    thinking: /^response\.reasoning(_summary)?_text\.delta$/.test(event.type) ? event.delta : undefined,
    input: number(usage?.input_tokens),
    output: number(usage?.output_tokens),
    cached: number(usage?.input_tokens_details?.cached_tokens),
  } as Piece
}

const errorOf = (event: Event): string | undefined => {
  const error = event.error ?? event.response?.error
  return typeof error?.message === 'string' ? error.message : undefined
}

const readers = { chat, messages, responses }

/** One event's data; nothing where it says nothing that is shown. */
export function pieceOf(dialect: Dialect, data: string): Piece {
  if (data === '[DONE]') return {}
  try {
    const event = JSON.parse(data) as Event
    const error = errorOf(event)
    if (error !== undefined) return { error }
    return Object.fromEntries(Object.entries(readers[dialect](event)).filter(([, value]) => value !== undefined && value !== ''))
  } catch {
    return {}
  }
}

/** Takes a stream's text as it comes and gives back the data of whole events. */
export class Events {
  private rest = ''

  push(text: string): string[] {
    const lines = (this.rest + text).split(/\r?\n/)
    this.rest = lines.pop() ?? ''
    return lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim())
  }
}
