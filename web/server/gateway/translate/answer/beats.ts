import type { LanguageModelV4StreamPart, LanguageModelV4Usage, SharedV4ProviderMetadata } from '@ai-sdk/provider'
import type { Beat } from './answer.ts'
import { Checks, nonsense, signatureOf, stopSequenceOf } from './checks.ts'
import { countsOf } from './counts.ts'

type Part<Type extends LanguageModelV4StreamPart['type']> = Extract<LanguageModelV4StreamPart, { type: Type }>

/**
 * The library’s stream as beats. Providers may write several calls at once and the library hands them on so; most dialects know one open block at
 * a time: what comes for another call waits until the open one has ended.
 */
class Score {
  private readonly provider: string
  private readonly checks: Checks
  private readonly sentCharacters: number
  private thinking = false
  private thoughtMetadata: SharedV4ProviderMetadata | undefined
  private open: string | null = null
  private readonly waiting = new Map<string, Beat[]>()
  private readonly started = new Set<string>()
  private readonly ended = new Set<string>()
  private calls = 0
  private got = 0
  /** What is known of usage, also where the stream breaks. */
  usage: LanguageModelV4Usage | null = null

  constructor(provider: string, sentCharacters: number) {
    this.provider = provider
    this.checks = new Checks(provider)
    this.sentCharacters = sentCharacters
  }

  counts() {
    return countsOf(this.usage, this.sentCharacters, this.got)
  }

  private *endThought(): Generator<Beat> {
    if (!this.thinking) return
    this.thinking = false
    const metadata = this.thoughtMetadata
    this.thoughtMetadata = undefined
    yield { type: 'thought-end', ...(metadata === undefined ? {} : { metadata }) }
  }

  private note(metadata: SharedV4ProviderMetadata | undefined): void {
    if (metadata === undefined) return
    const merged = { ...this.thoughtMetadata }
    for (const [name, said] of Object.entries(metadata)) merged[name] = { ...merged[name], ...said }
    this.thoughtMetadata = merged
  }

  private *ofCall(id: string, beat: Beat): Generator<Beat> {
    if (this.open === null) this.open = id
    if (this.open !== id) {
      this.waiting.set(id, [...(this.waiting.get(id) ?? []), beat])
      return
    }
    yield beat
    if (beat.type !== 'call') return
    this.open = null
    yield* this.next()
  }

  private *next(): Generator<Beat> {
    const [first] = this.waiting
    if (first === undefined) return
    const [id, beats] = first
    this.waiting.delete(id)
    for (const beat of beats) yield* this.ofCall(id, beat)
  }

  private *call(part: Part<'tool-call'>): Generator<Beat> {
    if (part.providerExecuted) return
    const { toolCallId: id, toolName: name } = part
    const signed = signatureOf(part.providerMetadata)
    if (!this.started.has(id)) yield* this.callStart(id, name, part.providerMetadata)
    if (this.ended.has(id)) throw nonsense(this.provider, `two tool calls with the id "${id}"`)
    this.ended.add(id)
    this.calls++
    this.got += part.input.length
    yield* this.ofCall(id, { type: 'call', id, name, input: this.checks.input(part), ...signed })
  }

  private *callStart(id: string, name: string, metadata: SharedV4ProviderMetadata | undefined): Generator<Beat> {
    this.checks.start(id)
    this.started.add(id)
    yield* this.endThought()
    yield* this.ofCall(id, { type: 'call-start', id, name, ...signatureOf(metadata) })
  }

  private *finish(part: Part<'finish'>): Generator<Beat> {
    yield* this.endThought()
    this.usage = part.usage
    const reason = this.checks.reason(part.finishReason, this.calls)
    yield { type: 'end', end: { reason, stopSequence: stopSequenceOf(part.providerMetadata), counts: this.counts() } }
  }

  *take(part: LanguageModelV4StreamPart): Generator<Beat> {
    switch (part.type) {
      case 'text-delta':
        if (part.delta === '') return
        yield* this.endThought()
        this.got += part.delta.length
        yield { type: 'text', delta: part.delta }
        return
      case 'reasoning-start':
        yield* this.endThought()
        this.thinking = true
        this.note(part.providerMetadata)
        return
      case 'reasoning-delta':
        this.note(part.providerMetadata)
        this.got += part.delta.length
        if (part.delta !== '') yield { type: 'thought', delta: part.delta }
        return
      case 'reasoning-end':
        this.note(part.providerMetadata)
        yield* this.endThought()
        return
      case 'tool-input-start':
        if (!part.providerExecuted) yield* this.callStart(part.id, part.toolName, part.providerMetadata)
        return
      case 'tool-input-delta':
        if (this.started.has(part.id) && part.delta !== '')
          yield* this.ofCall(part.id, { type: 'call-delta', id: part.id, delta: part.delta })
        return
      case 'tool-call':
        yield* this.call(part)
        return
      case 'finish':
        yield* this.finish(part)
        return
      case 'error':
        throw part.error
    }
  }
}

export interface Beats {
  beats: AsyncGenerator<Beat>
  counts: Score['counts']
}

/** Throws what the stream’s errors are, and `provider_failed` for one that ends without its end. */
export function beatsOf(stream: ReadableStream<LanguageModelV4StreamPart>, provider: string, sentCharacters: number): Beats {
  const score = new Score(provider, sentCharacters)
  async function* play(): AsyncGenerator<Beat> {
    let ended = false
    for await (const part of stream) {
      for (const beat of score.take(part)) {
        if (beat.type === 'end') ended = true
        yield beat
      }
      if (ended) return
    }
    throw nonsense(provider, 'without an end: it was cut')
  }
  return { beats: play(), counts: () => score.counts() }
}
