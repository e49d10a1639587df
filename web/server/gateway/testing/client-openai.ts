import OpenAI from 'openai'
import type { Client, Got, Wanted } from './wanted.ts'

type ChatParams = OpenAI.Chat.ChatCompletionCreateParams
type ResponseParams = OpenAI.Responses.ResponseCreateParams

const chatReasons: Record<string, string> = { stop: 'stop', length: 'length', tool_calls: 'calls', content_filter: 'filter' }

function chatMessages({ system, text, image, document, rounds, cache }: Wanted): OpenAI.Chat.ChatCompletionMessageParam[] {
  const hint = cache ? { cache_control: { type: 'ephemeral' } } : {}
  const content: OpenAI.Chat.ChatCompletionContentPart[] = [{ type: 'text', text, ...hint }]
  if (image) content.push({ type: 'image_url', image_url: { url: image.url } })
  if (document)
    content.push({ type: 'file', file: { filename: document.name, file_data: `data:application/pdf;base64,${document.base64}` } })
  const messages: OpenAI.Chat.ChatCompletionMessageParam[] = []
  if (system) messages.push({ role: 'system', content: system })
  messages.push({ role: 'user', content: image || document || cache ? content : text })
  for (const { turn, results } of rounds ?? []) {
    messages.push(turn as OpenAI.Chat.ChatCompletionAssistantMessageParam)
    for (const { id, text: said, imageBase64 } of results) {
      const parts = [
        { type: 'text', text: said },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${imageBase64}` } },
      ]
      messages.push({ role: 'tool', tool_call_id: id, content: (imageBase64 ? parts : said) as string })
    }
  }
  return messages
}

function chatParams(wanted: Wanted): ChatParams {
  const { tools, choice, parallel, stop, temperature, topP, seed, maxTokens, schema, effort } = wanted
  return {
    model: 'asked-model',
    messages: chatMessages(wanted),
    ...(tools ? { tools: tools.map(({ schema: parameters, ...tool }) => ({ type: 'function', function: { ...tool, parameters } })) } : {}),
    ...(choice
      ? { tool_choice: choice === 'any' ? 'required' : choice === 'none' ? 'none' : { type: 'function', function: { name: choice } } }
      : {}),
    ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
    ...(stop ? { stop } : {}),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(schema ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } } : {}),
    ...(effort ? { reasoning_effort: effort } : {}),
  } as ChatParams
}

function gotOfChat(completion: OpenAI.Chat.ChatCompletion, pieces: number): Got {
  const [choice] = completion.choices
  if (choice === undefined) throw new Error('no choice')
  const { message } = choice
  const calls = (message.tool_calls ?? []).flatMap((call) =>
    call.type === 'function' ? [{ id: call.id, name: call.function.name, input: JSON.parse(call.function.arguments) as unknown }] : [],
  )
  const { usage } = completion
  return {
    text: message.content ?? '',
    thought: (message as { reasoning_content?: string }).reasoning_content ?? '',
    calls,
    reason: chatReasons[choice.finish_reason] ?? choice.finish_reason,
    usage: {
      input: usage?.prompt_tokens ?? -1,
      cached: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      output: usage?.completion_tokens ?? -1,
      reasoning: usage?.completion_tokens_details?.reasoning_tokens ?? null,
    },
    turn: message,
    pieces,
  }
}

export function chatClient(url: string, apiKey: string): Client {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
  return {
    name: 'chat',
    async ask(wanted, streamed, signal) {
      const options = signal ? { signal } : {}
      if (!streamed)
        return gotOfChat(
          (await client.chat.completions.create({ ...chatParams(wanted), stream: false }, options)) as OpenAI.Chat.ChatCompletion,
          1,
        )
      const runner = client.chat.completions.stream(
        { ...chatParams(wanted), stream: true, stream_options: { include_usage: true } } as never,
        options,
      )
      let pieces = 0
      let thought = ''
      for await (const chunk of runner) {
        pieces++
        thought += (chunk.choices[0]?.delta as { reasoning_content?: string } | undefined)?.reasoning_content ?? ''
      }
      return { ...gotOfChat(await runner.finalChatCompletion(), pieces), thought }
    },
  }
}

function responseInput({ system, text, image, document, rounds }: Wanted): OpenAI.Responses.ResponseInput {
  const content: OpenAI.Responses.ResponseInputContent[] = [{ type: 'input_text', text }]
  if (image) content.push({ type: 'input_image', image_url: image.url, detail: 'auto' })
  if (document) content.push({ type: 'input_file', filename: document.name, file_data: `data:application/pdf;base64,${document.base64}` })
  const input: OpenAI.Responses.ResponseInput = []
  if (system) input.push({ role: 'developer', content: system })
  input.push({ role: 'user', content })
  for (const { turn, results } of rounds ?? []) {
    input.push(...(turn as OpenAI.Responses.ResponseInputItem[]))
    for (const { id, text: said, imageBase64 } of results) {
      const image_url = `data:image/png;base64,${imageBase64}`
      const output = imageBase64
        ? [
            { type: 'input_text' as const, text: said },
            { type: 'input_image' as const, image_url, detail: 'auto' as const },
          ]
        : said
      input.push({ type: 'function_call_output', call_id: id, output })
    }
  }
  return input
}

function responseParams(wanted: Wanted): ResponseParams {
  const { tools, choice, parallel, temperature, topP, maxTokens, schema, effort } = wanted
  return {
    model: 'asked-model',
    input: responseInput(wanted),
    store: false,
    include: ['reasoning.encrypted_content'],
    ...(tools ? { tools: tools.map(({ schema: parameters, ...tool }) => ({ type: 'function', ...tool, parameters, strict: false })) } : {}),
    ...(choice ? { tool_choice: choice === 'any' ? 'required' : choice === 'none' ? 'none' : { type: 'function', name: choice } } : {}),
    ...(parallel === undefined ? {} : { parallel_tool_calls: parallel }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(maxTokens === undefined ? {} : { max_output_tokens: maxTokens }),
    ...(schema ? { text: { format: { type: 'json_schema', name: 'answer', schema, strict: true } } } : {}),
    ...(effort ? { reasoning: { effort, summary: 'auto' } } : {}),
  } as ResponseParams
}

function gotOfResponse(response: OpenAI.Responses.Response, pieces: number): Got {
  const calls = response.output.flatMap((item) =>
    item.type === 'function_call' ? [{ id: item.call_id, name: item.name, input: JSON.parse(item.arguments) as unknown }] : [],
  )
  const thoughts = response.output.flatMap((item) => (item.type === 'reasoning' ? item.summary.map(({ text }) => text) : []))
  const { usage } = response
  return {
    text: response.output_text,
    thought: thoughts.join(''),
    calls,
    reason: response.incomplete_details?.reason === 'max_output_tokens' ? 'length' : calls.length > 0 ? 'calls' : 'stop',
    usage: {
      input: usage?.input_tokens ?? -1,
      cached: usage?.input_tokens_details.cached_tokens ?? 0,
      output: usage?.output_tokens ?? -1,
      reasoning: usage?.output_tokens_details.reasoning_tokens ?? null,
    },
    turn: response.output,
    pieces,
  }
}

export function responsesClient(url: string, apiKey: string): Client {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
  return {
    name: 'responses',
    async ask(wanted, streamed, signal) {
      const options = signal ? { signal } : {}
      if (!streamed)
        return gotOfResponse(
          (await client.responses.create({ ...responseParams(wanted), stream: false }, options)) as OpenAI.Responses.Response,
          1,
        )
      const runner = client.responses.stream({ ...responseParams(wanted), stream: true } as never, options)
      let pieces = 0
      for await (const event of runner) {
        pieces++
        if (event.type === 'error') throw Object.assign(new Error(event.message), { status: 0 })
      }
      return gotOfResponse(await runner.finalResponse(), pieces)
    },
  }
}
