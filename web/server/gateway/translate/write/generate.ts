import type { Answer, Beat, Block, End } from '../answer/answer.ts'
import { wrap } from '../carry.ts'
import { toolOf } from './client-tool.ts'
import { event } from './events.ts'
import type { EventWriter, Page, Writer } from './writer.ts'

type Metadata = Extract<Block, { type: 'thought' }>['metadata']

const reasons: Readonly<Record<End['reason'], string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'content-filter': 'SAFETY',
  'tool-calls': 'STOP',
  other: 'OTHER',
}

function usageOf({ counts }: End): object {
  return {
    promptTokenCount: counts.input,
    candidatesTokenCount: Math.max(0, counts.output - counts.reasoning),
    totalTokenCount: counts.input + counts.output,
    ...(counts.reasoning > 0 ? { thoughtsTokenCount: counts.reasoning } : {}),
    ...(counts.cachedInput > 0 ? { cachedContentTokenCount: counts.cachedInput } : {}),
  }
}

/** Google’s field holds bytes in base64: a wrapping of ours is written as such. */
function signed(metadata: Metadata): object {
  const own = metadata?.google?.thoughtSignature
  if (typeof own === 'string') return { thoughtSignature: own }
  const text = wrap(metadata)
  return text === null ? {} : { thoughtSignature: Buffer.from(text, 'utf8').toString('base64') }
}

function partOf(block: Block, page: Page): object {
  if (block.type === 'text') return { text: block.text }
  if (block.type === 'thought') return { text: block.text, thought: true, ...signed(block.metadata) }
  const { name } = toolOf(page.question, block.name)
  return { functionCall: { id: block.id, name, args: JSON.parse(block.input) }, ...signed(block.metadata) }
}

function bodyOf(parts: readonly object[], page: Page, end: End | null): object {
  const { id, model, createdAt } = page.heading
  const candidate = { content: { role: 'model', parts }, index: 0, ...(end === null ? {} : { finishReason: reasons[end.reason] }) }
  const createTime = new Date(createdAt * 1000).toISOString()
  return {
    candidates: [candidate],
    modelVersion: model,
    responseId: id,
    createTime,
    ...(end === null ? {} : { usageMetadata: usageOf(end) }),
  }
}

function whole({ blocks, end }: Answer, page: Page): object {
  return bodyOf(
    blocks.map((block) => partOf(block, page)),
    page,
    end,
  )
}

class GenerateEvents implements EventWriter {
  private readonly page: Page

  constructor(page: Page) {
    this.page = page
  }

  private send(...parts: readonly object[]): Uint8Array {
    return event(bodyOf(parts, this.page, null))
  }

  *begin() {}

  /** Calls come whole in this dialect. */
  *take(beat: Exclude<Beat, { type: 'end' }>) {
    if (beat.type === 'text') yield this.send({ text: beat.delta })
    else if (beat.type === 'thought') yield this.send({ text: beat.delta, thought: true })
    else if (beat.type === 'thought-end' && beat.metadata !== undefined)
      yield this.send({ text: '', thought: true, ...signed(beat.metadata) })
    else if (beat.type === 'call') yield this.send(partOf(beat, this.page))
  }

  *end(end: End) {
    yield event(bodyOf([{ text: '' }], this.page, end))
  }
}

export const generateWriter: Writer = { prefix: '', whole, events: (page) => new GenerateEvents(page) }
