import type { End } from '../answer/answer.ts'
import type { Item } from './responses-items.ts'
import type { Page } from './writer.ts'

function usageOf({ counts }: End): object {
  return {
    input_tokens: counts.input,
    input_tokens_details: { cached_tokens: counts.cachedInput },
    output_tokens: counts.output,
    output_tokens_details: { reasoning_tokens: counts.reasoning },
    total_tokens: counts.input + counts.output,
  }
}

/** The object that events and bodies of this dialect carry: much of it is the request again. */
export function responseObject({ heading, body }: Page, more: object): object {
  const { tools = [], tool_choice = 'auto', parallel_tool_calls = true, temperature = null, top_p = null, max_output_tokens = null } = body
  const { instructions = null, metadata = {}, reasoning = { effort: null, summary: null }, text = { format: { type: 'text' } } } = body
  return {
    id: heading.id,
    object: 'response',
    created_at: heading.createdAt,
    model: heading.model,
    error: null,
    incomplete_details: null,
    output: [],
    usage: null,
    ...{ instructions, metadata, reasoning, text, tools, tool_choice, parallel_tool_calls, temperature, top_p, max_output_tokens },
    previous_response_id: null,
    store: false,
    truncation: 'disabled',
    ...more,
  }
}

export function finishedResponse(page: Page, output: readonly Item[], end: End): object {
  const cut = end.reason === 'length' ? 'max_output_tokens' : end.reason === 'content-filter' ? 'content_filter' : null
  const state = cut === null ? { status: 'completed' } : { status: 'incomplete', incomplete_details: { reason: cut } }
  const texts = output.flatMap((item) => (item.type === 'message' ? (item.content as { text: string }[]).map(({ text }) => text) : []))
  return responseObject(page, { ...state, output, output_text: texts.join(''), usage: usageOf(end) })
}
