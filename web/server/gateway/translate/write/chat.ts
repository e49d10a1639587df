import type { Answer, Beat, Block, End } from '../answer/answer.ts'
import { toolOf } from './client-tool.ts'
import { event } from './events.ts'
import type { EventWriter, Page, Writer } from './writer.ts'

type Call = Extract<Block, { type: 'call' }>

const reasons: Readonly<Record<End['reason'], string>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content_filter',
  'tool-calls': 'tool_calls',
  other: 'stop',
}

function usageOf({ counts }: End): object {
  return {
    prompt_tokens: counts.input,
    completion_tokens: counts.output,
    total_tokens: counts.input + counts.output,
    prompt_tokens_details: { cached_tokens: counts.cachedInput },
    completion_tokens_details: { reasoning_tokens: counts.reasoning },
  }
}

/** Google’s own place for it: https://ai.google.dev/gemini-api/docs/openai */
function signed(metadata: Call['metadata']): object {
  const signature = metadata?.google?.thoughtSignature
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
}

function callOf(call: Call, page: Page): object {
  const tool = toolOf(page.question, call.name)
  if (tool.kind === 'custom') return { id: call.id, type: 'custom', custom: { name: tool.name, input: tool.textOf(call.input) } }
  return { id: call.id, type: 'function', function: { name: tool.name, arguments: call.input }, ...signed(call.metadata) }
}

function textOf(blocks: readonly Block[], type: 'text' | 'thought'): string | null {
  const texts = blocks.flatMap((block) => (block.type === type ? [block.text] : []))
  return texts.length === 0 ? null : texts.join('')
}

function whole({ blocks, end }: Answer, page: Page): object {
  const { id, model, createdAt } = page.heading
  const calls = blocks.filter((block) => block.type === 'call').map((call) => callOf(call, page))
  const thought = textOf(blocks, 'thought')
  const message = {
    role: 'assistant',
    content: textOf(blocks, 'text'),
    refusal: null,
    ...(thought ? { reasoning_content: thought } : {}),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
  const choice = { index: 0, message, logprobs: null, finish_reason: reasons[end.reason] }
  return { id, object: 'chat.completion', created: createdAt, model, choices: [choice], usage: usageOf(end) }
}

class ChatEvents implements EventWriter {
  private readonly page: Page
  private calls = 0
  private streamed = false

  constructor(page: Page) {
    this.page = page
  }

  private chunk(delta: object, finish: string | null = null): Uint8Array {
    const { id, model, createdAt } = this.page.heading
    const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }]
    return event({ id, object: 'chat.completion.chunk', created: createdAt, model, choices })
  }

  *begin() {
    yield this.chunk({ role: 'assistant', content: '' })
  }

  *take(beat: Exclude<Beat, { type: 'end' }>) {
    if (beat.type === 'text') yield this.chunk({ content: beat.delta })
    else if (beat.type === 'thought') yield this.chunk({ reasoning_content: beat.delta })
    else if (beat.type === 'call-start') yield* this.start(beat)
    else if (beat.type === 'call-delta') yield* this.delta(beat.delta)
    else if (beat.type === 'call') yield* this.finish(beat)
  }

  private custom = false

  private *start({ id, name, metadata }: Extract<Beat, { type: 'call-start' }>) {
    const tool = toolOf(this.page.question, name)
    this.streamed = false
    this.custom = tool.kind === 'custom'
    if (!this.custom)
      yield this.chunk({
        tool_calls: [{ index: this.calls, id, type: 'function', function: { name: tool.name, arguments: '' }, ...signed(metadata) }],
      })
  }

  private *delta(text: string) {
    // The text of a custom tool is known when its wrapping is whole.
    if (this.custom) return
    this.streamed = true
    yield this.chunk({ tool_calls: [{ index: this.calls, function: { arguments: text } }] })
  }

  private *finish(call: Call) {
    if (this.custom) yield this.chunk({ tool_calls: [{ index: this.calls, ...callOf(call, this.page) }] })
    else if (!this.streamed) yield* this.delta(call.input)
    this.calls++
  }

  *end(end: End) {
    yield this.chunk({}, reasons[end.reason])
    if (this.page.question.usageChunk) {
      const { id, model, createdAt } = this.page.heading
      yield event({ id, object: 'chat.completion.chunk', created: createdAt, model, choices: [], usage: usageOf(end) })
    }
    yield event('[DONE]')
  }
}

export const chatWriter: Writer = { prefix: 'chatcmpl-', whole, events: (page) => new ChatEvents(page) }
