import type { Beat, Block, End } from '../answer/answer.ts'
import { event } from './events.ts'
import { callItem, emptyText, type Item, itemId, messageItem, reasoningItem, signatureItem } from './responses-items.ts'
import { finishedResponse, responseObject } from './responses-object.ts'
import type { EventWriter, Page } from './writer.ts'

type Call = Extract<Block, { type: 'call' }>

/** https://platform.openai.com/docs/api-reference/responses-streaming */
export class ResponsesEvents implements EventWriter {
  private readonly page: Page
  private readonly items: Item[] = []
  private sequence = 0
  private open: { kind: 'text' | 'thought'; text: string } | null = null
  private streamed = false

  constructor(page: Page) {
    this.page = page
  }

  private send(type: string, data: object): Uint8Array {
    return event({ type, sequence_number: this.sequence++, ...data }, type)
  }

  private get place(): { output_index: number } {
    return { output_index: this.items.length }
  }

  private id(kind: 'msg' | 'rs'): string {
    return itemId(this.page, kind, this.items.length)
  }

  *begin() {
    yield this.send('response.created', { response: responseObject(this.page, { status: 'in_progress' }) })
    yield this.send('response.in_progress', { response: responseObject(this.page, { status: 'in_progress' }) })
  }

  *take(beat: Exclude<Beat, { type: 'end' }>) {
    switch (beat.type) {
      case 'text':
        yield* this.text(beat.delta)
        return
      case 'thought':
        yield* this.thought(beat.delta)
        return
      case 'thought-end':
        yield* this.endThought(beat.metadata)
        return
      case 'call-start':
        yield* this.startCall(beat)
        return
      case 'call-delta':
        yield* this.callDelta(beat.delta)
        return
      case 'call':
        yield* this.endCall(beat)
    }
  }

  private *text(delta: string) {
    const at = { item_id: this.id('msg'), ...this.place, content_index: 0 }
    if (this.open?.kind !== 'text') {
      yield* this.close()
      this.open = { kind: 'text', text: '' }
      yield this.send('response.output_item.added', { ...this.place, item: messageItem(at.item_id, null) })
      yield this.send('response.content_part.added', { ...at, part: emptyText })
    }
    this.open.text += delta
    yield this.send('response.output_text.delta', { ...at, delta, logprobs: [] })
  }

  private *thought(delta: string) {
    const at = { item_id: this.id('rs'), ...this.place, summary_index: 0 }
    if (this.open?.kind !== 'thought') {
      yield* this.close()
      this.open = { kind: 'thought', text: '' }
      yield this.send('response.output_item.added', { ...this.place, item: reasoningItem(at.item_id, '', undefined) })
      yield this.send('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } })
    }
    this.open.text += delta
    yield this.send('response.reasoning_summary_text.delta', { ...at, delta })
  }

  private *endThought(metadata: Call['metadata']): Generator<Uint8Array> {
    const text = this.open?.kind === 'thought' ? this.open.text : null
    if (text === null && metadata === undefined) return
    if (text === null) yield* this.close()
    const item = reasoningItem(this.id('rs'), text ?? '', metadata)
    const at = { item_id: item.id, ...this.place, summary_index: 0 }
    if (text === null) yield this.send('response.output_item.added', { ...this.place, item })
    else {
      yield this.send('response.reasoning_summary_text.done', { ...at, text })
      yield this.send('response.reasoning_summary_part.done', { ...at, part: { type: 'summary_text', text } })
    }
    this.open = null
    yield* this.done(item)
  }

  private *startCall({ id, name, metadata }: Extract<Beat, { type: 'call-start' }>) {
    yield* this.close()
    if (metadata !== undefined) {
      const item = signatureItem(this.id('rs'), metadata)
      yield this.send('response.output_item.added', { ...this.place, item })
      yield* this.done(item)
    }
    this.streamed = false
    yield this.send('response.output_item.added', { ...this.place, item: this.callAt({ id, name, input: null }) })
  }

  private callAt(call: { id: string; name: string; input: string | null }): Item {
    const item = callItem(this.page, this.items.length, call)
    this.callId = item.id
    this.custom = item.type === 'custom_tool_call'
    return item
  }

  private callId = ''
  private custom = false

  private *callDelta(delta: string) {
    // The text of a custom tool is known when its wrapping is whole.
    if (this.custom) return
    this.streamed = true
    yield this.send('response.function_call_arguments.delta', { item_id: this.callId, ...this.place, delta })
  }

  private *endCall({ id, name, input }: Call) {
    const item = this.callAt({ id, name, input })
    const at = { item_id: item.id, ...this.place }
    if (this.custom) {
      yield this.send('response.custom_tool_call_input.delta', { ...at, delta: item.input })
      yield this.send('response.custom_tool_call_input.done', { ...at, input: item.input })
    } else {
      if (!this.streamed) yield* this.callDelta(input)
      yield this.send('response.function_call_arguments.done', { ...at, name: item.name, arguments: input })
    }
    yield* this.done(item)
  }

  private *done(item: Item) {
    yield this.send('response.output_item.done', { ...this.place, item })
    this.items.push(item)
  }

  private *close(): Generator<Uint8Array> {
    if (this.open === null) return
    const { kind, text } = this.open
    if (kind === 'thought') {
      yield* this.endThought(undefined)
      return
    }
    const item = messageItem(this.id('msg'), text)
    const at = { item_id: item.id, ...this.place, content_index: 0 }
    yield this.send('response.output_text.done', { ...at, text, logprobs: [] })
    yield this.send('response.content_part.done', { ...at, part: { ...emptyText, text } })
    this.open = null
    yield* this.done(item)
  }

  *end(end: End) {
    yield* this.close()
    const response = finishedResponse(this.page, this.items, end) as { status: string }
    yield this.send(`response.${response.status}`, { response })
  }
}
