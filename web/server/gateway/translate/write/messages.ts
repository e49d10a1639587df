import type { Answer, Beat, Block, End } from '../answer/answer.ts'
import { wrap } from '../carry.ts'
import { toolOf } from './client-tool.ts'
import { event } from './events.ts'
import type { EventWriter, Page, Writer } from './writer.ts'

type Metadata = Extract<Block, { type: 'thought' }>['metadata']

const reasons: Readonly<Record<End['reason'], string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'content-filter': 'refusal',
  'tool-calls': 'tool_use',
  other: 'end_turn',
}

function reasonOf({ reason, stopSequence }: End): string {
  return stopSequence !== null && reason === 'stop' ? 'stop_sequence' : reasons[reason]
}

function usageOf({ counts }: End): object {
  return {
    input_tokens: Math.max(0, counts.input - counts.cachedInput - counts.cacheWrite),
    cache_read_input_tokens: counts.cachedInput,
    cache_creation_input_tokens: counts.cacheWrite,
    output_tokens: counts.output,
  }
}

/** Anthropic’s own signature stays as it is, so that the conversation can go on at Anthropic; another’s is wrapped. */
function signatureOf(metadata: Metadata): string {
  const own = metadata?.anthropic?.signature
  return typeof own === 'string' ? own : (wrap(metadata) ?? '')
}

/** What is thought but not shown. */
function redactedOf(metadata: Metadata): object | null {
  const own = metadata?.anthropic?.redactedData
  const data = typeof own === 'string' ? own : wrap(metadata)
  return data === null ? null : { type: 'redacted_thinking', data }
}

/** A call’s signature stands before it in a block that clients hand back as it is. */
function signatureBlock(metadata: Metadata): object | null {
  return metadata === undefined ? null : { type: 'redacted_thinking', data: wrap({ helix: { call: true }, ...metadata }) }
}

function contentOf(block: Block, page: Page): object[] {
  if (block.type === 'text') return [{ type: 'text', text: block.text, citations: null }]
  if (block.type === 'thought') {
    const redacted = block.text === '' ? redactedOf(block.metadata) : null
    if (redacted !== null) return [redacted]
    return block.text === '' ? [] : [{ type: 'thinking', thinking: block.text, signature: signatureOf(block.metadata) }]
  }
  const { name } = toolOf(page.question, block.name)
  const signature = signatureBlock(block.metadata)
  return [...(signature ? [signature] : []), { type: 'tool_use', id: block.id, name, input: JSON.parse(block.input) }]
}

function messageOf(page: Page): object {
  const { id, model } = page.heading
  return { id, type: 'message', role: 'assistant', model }
}

function whole({ blocks, end }: Answer, page: Page): object {
  const content = blocks.flatMap((block) => contentOf(block, page))
  return { ...messageOf(page), content, stop_reason: reasonOf(end), stop_sequence: end.stopSequence, usage: usageOf(end) }
}

class MessagesEvents implements EventWriter {
  private readonly page: Page
  private index = 0
  private open: 'text' | 'thought' | 'call' | null = null
  private streamed = false

  constructor(page: Page) {
    this.page = page
  }

  private send(type: string, data: object): Uint8Array {
    return event({ type, ...data }, type)
  }

  private *start(kind: NonNullable<typeof this.open>, block: object) {
    yield* this.close()
    this.open = kind
    this.streamed = false
    yield this.send('content_block_start', { index: this.index, content_block: block })
  }

  private *close() {
    if (this.open === null) return
    yield this.send('content_block_stop', { index: this.index })
    this.open = null
    this.index++
  }

  private delta(delta: object): Uint8Array {
    this.streamed = true
    return this.send('content_block_delta', { index: this.index, delta })
  }

  private *closed(block: object | null) {
    if (block === null) return
    yield* this.start('thought', block)
    yield* this.close()
  }

  *begin() {
    const usage = { input_tokens: 0, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 0 }
    yield this.send('message_start', { message: { ...messageOf(this.page), content: [], stop_reason: null, stop_sequence: null, usage } })
  }

  *take(beat: Exclude<Beat, { type: 'end' }>) {
    switch (beat.type) {
      case 'text':
        if (this.open !== 'text') yield* this.start('text', { type: 'text', text: '' })
        yield this.delta({ type: 'text_delta', text: beat.delta })
        return
      case 'thought':
        if (this.open !== 'thought') yield* this.start('thought', { type: 'thinking', thinking: '', signature: '' })
        yield this.delta({ type: 'thinking_delta', thinking: beat.delta })
        return
      case 'thought-end':
        yield* this.endThought(beat.metadata)
        return
      case 'call-start':
        yield* this.closed(signatureBlock(beat.metadata))
        yield* this.start('call', { type: 'tool_use', id: beat.id, name: toolOf(this.page.question, beat.name).name, input: {} })
        return
      case 'call-delta':
        yield this.delta({ type: 'input_json_delta', partial_json: beat.delta })
        return
      case 'call':
        if (!this.streamed) yield this.delta({ type: 'input_json_delta', partial_json: beat.input })
        yield* this.close()
    }
  }

  private *endThought(metadata: Metadata) {
    if (this.open !== 'thought') {
      yield* this.closed(redactedOf(metadata))
      return
    }
    const signature = signatureOf(metadata)
    if (signature !== '') yield this.delta({ type: 'signature_delta', signature })
    yield* this.close()
  }

  *end(end: End) {
    yield* this.close()
    yield this.send('message_delta', { delta: { stop_reason: reasonOf(end), stop_sequence: end.stopSequence }, usage: usageOf(end) })
    yield this.send('message_stop', {})
  }
}

export const messagesWriter: Writer = { prefix: 'msg_', whole, events: (page) => new MessagesEvents(page) }
