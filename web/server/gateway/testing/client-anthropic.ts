import Anthropic from '@anthropic-ai/sdk'
import type { Client, Got, Wanted } from './wanted.ts'

const reasons: Record<string, string> = {
  end_turn: 'stop',
  max_tokens: 'length',
  tool_use: 'calls',
  stop_sequence: 'stop',
  refusal: 'filter',
}

function messagesOf({ text, image, document, rounds, cache }: Wanted): Anthropic.MessageParam[] {
  const content: Anthropic.ContentBlockParam[] = [{ type: 'text', text, ...(cache ? { cache_control: { type: 'ephemeral' } } : {}) }]
  if (image) {
    const data = /^data:(image\/png);base64,(.*)$/.exec(image.url)
    const source = data ? { type: 'base64', media_type: data[1], data: data[2] } : { type: 'url', url: image.url }
    content.push({ type: 'image', source } as Anthropic.ImageBlockParam)
  }
  if (document)
    content.push({
      type: 'document',
      title: document.name,
      source: { type: 'base64', media_type: 'application/pdf', data: document.base64 },
    })
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content }]
  for (const { turn, results } of rounds ?? []) {
    messages.push({ role: 'assistant', content: turn as Anthropic.ContentBlockParam[] })
    const blocks = results.map(({ id, text: said, error, imageBase64 }) => {
      const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: imageBase64 } }
      const inner = imageBase64 ? [{ type: 'text', text: said }, picture] : said
      return {
        type: 'tool_result',
        tool_use_id: id,
        content: inner,
        ...(error ? { is_error: true } : {}),
      } as Anthropic.ToolResultBlockParam
    })
    messages.push({ role: 'user', content: blocks })
  }
  return messages
}

function choiceOf({ choice, parallel }: Wanted): object {
  const alone = parallel === undefined ? {} : { disable_parallel_tool_use: !parallel }
  if (choice === undefined) return parallel === undefined ? {} : { tool_choice: { type: 'auto', ...alone } }
  if (choice === 'none') return { tool_choice: { type: 'none' } }
  return { tool_choice: choice === 'any' ? { type: 'any', ...alone } : { type: 'tool', name: choice, ...alone } }
}

function paramsOf(wanted: Wanted): Anthropic.MessageCreateParams {
  const { system, tools, stop, temperature, topP, maxTokens, schema, effort, cache } = wanted
  const hint = cache ? { cache_control: { type: 'ephemeral' } } : {}
  return {
    model: 'asked-model',
    max_tokens: maxTokens ?? 8000,
    messages: messagesOf(wanted),
    ...(system ? { system: [{ type: 'text', text: system, ...hint }] } : {}),
    ...(tools ? { tools: tools.map(({ schema: input_schema, ...tool }) => ({ ...tool, input_schema })) } : {}),
    ...choiceOf(wanted),
    ...(stop ? { stop_sequences: stop } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(schema ? { output_config: { format: { type: 'json_schema', schema } } } : {}),
    ...(effort ? { thinking: { type: 'enabled', budget_tokens: effort === 'low' ? 1024 : 4096 } } : {}),
  } as Anthropic.MessageCreateParams
}

function gotOf(message: Anthropic.Message, pieces: number): Got {
  const { usage } = message
  const cached = usage.cache_read_input_tokens ?? 0
  return {
    text: message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
    thought: message.content.flatMap((block) => (block.type === 'thinking' ? [block.thinking] : [])).join(''),
    calls: message.content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [])),
    reason: reasons[message.stop_reason ?? ''] ?? String(message.stop_reason),
    usage: {
      input: usage.input_tokens + cached + (usage.cache_creation_input_tokens ?? 0),
      cached,
      output: usage.output_tokens,
      reasoning: null,
    },
    turn: message.content,
    pieces,
  }
}

export function messagesClient(url: string, apiKey: string): Client {
  const client = new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })
  return {
    name: 'messages',
    async ask(wanted, streamed, signal) {
      const options = signal ? { signal } : {}
      if (!streamed) return gotOf((await client.messages.create({ ...paramsOf(wanted), stream: false }, options)) as Anthropic.Message, 1)
      const runner = client.messages.stream(paramsOf(wanted) as never, options)
      let pieces = 0
      for await (const _ of runner) pieces++
      return gotOf(await runner.finalMessage(), pieces)
    },
  }
}
