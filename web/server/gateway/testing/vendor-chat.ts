import { z } from 'zod'
import { Pairs } from './pairs.ts'
import { countKeys, fail, nothingSeen, pieces, type Request, type Script, type Seen, sse, type Vendor } from './script.ts'

// https://platform.openai.com/docs/api-reference/chat/create: unknown fields are refused, as OpenAI refuses them.

const text = z.strictObject({ type: z.literal('text'), text: z.string() })
const image = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.strictObject({ url: z.string(), detail: z.string().optional() }),
})
const file = z.strictObject({
  type: z.literal('file'),
  file: z.strictObject({ filename: z.string(), file_data: z.string().startsWith('data:') }),
})
const call = z.strictObject({
  id: z.string().max(40),
  type: z.literal('function'),
  function: z.strictObject({ name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/), arguments: z.string() }),
})
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({ role: z.literal('developer'), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.union([z.string(), z.array(z.union([text, image, file])).min(1)]) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().nullish(),
    tool_calls: z.array(call).min(1).optional(),
    reasoning_content: z.string().optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string(), content: z.string() }),
])
const schema = z.strictObject({
  model: z.string(),
  messages: z.array(message).min(1),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean() }).optional(),
  max_tokens: z.number().int().min(1).optional(),
  max_completion_tokens: z.number().int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  presence_penalty: z.number().optional(),
  frequency_penalty: z.number().optional(),
  seed: z.number().int().optional(),
  stop: z.array(z.string()).max(4).optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).optional(),
  verbosity: z.string().optional(),
  parallel_tool_calls: z.boolean().optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
          description: z.string().optional(),
          parameters: z.looseObject({ type: z.literal('object') }),
          strict: z.boolean().optional(),
        }),
      }),
    )
    .min(1)
    .optional(),
  tool_choice: z
    .union([
      z.enum(['auto', 'none', 'required']),
      z.strictObject({ type: z.literal('function'), function: z.strictObject({ name: z.string() }) }),
    ])
    .optional(),
  response_format: z
    .union([
      z.strictObject({ type: z.literal('json_object') }),
      z.strictObject({
        type: z.literal('json_schema'),
        json_schema: z.strictObject({
          name: z.string(),
          description: z.string().optional(),
          schema: z.looseObject({}),
          strict: z.boolean().optional(),
        }),
      }),
    ])
    .optional(),
})
type Body = z.infer<typeof schema>

function check({ body, headers }: Request): void {
  if (!headers.authorization && !headers['api-key']) fail('no key')
  const said = schema.parse(body)
  const pairs = new Pairs()
  for (const one of said.messages) {
    if (one.role === 'tool') pairs.result(one.tool_call_id)
    else pairs.closed()
    if (one.role === 'assistant')
      for (const { id, function: called } of one.tool_calls ?? []) [pairs.call(id), JSON.parse(called.arguments)]
  }
  pairs.closed()
  if (said.tool_choice && !said.tools) fail('tool_choice is only allowed when tools are specified')
  if (said.parallel_tool_calls !== undefined && !said.tools) fail('parallel_tool_calls is only allowed when tools are specified')
}

function seeContent(seen: Seen, content: Extract<Body['messages'][number], { role: 'user' }>['content']): void {
  for (const part of typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content) {
    if (part.type === 'text') seen.texts.push(part.text)
    else if (part.type === 'file') seen.documents.push('data')
    else seen.images.push(part.image_url.url.startsWith('data:') ? 'data' : 'url')
  }
}

function seen(raw: Record<string, unknown>): Seen {
  const body = schema.parse(raw)
  const all = nothingSeen()
  for (const one of body.messages) {
    if (one.role === 'system' || one.role === 'developer') all.system.push(one.content)
    else if (one.role === 'user') seeContent(all, one.content)
    else if (one.role === 'tool') all.results.push({ id: one.tool_call_id, text: one.content, error: false, images: 0 })
    else {
      if (one.content) all.texts.push(one.content)
      for (const { id, function: called } of one.tool_calls ?? [])
        all.calls.push({ id, name: called.name, input: JSON.parse(called.arguments) })
    }
  }
  const { tool_choice: choice, response_format: format } = body
  return {
    ...all,
    tools: (body.tools ?? []).map((tool) => tool.function.name),
    choice: choice === undefined ? null : typeof choice === 'object' ? choice.function.name : choice === 'required' ? 'any' : choice,
    parallel: body.parallel_tool_calls ?? null,
    stop: body.stop ?? [],
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    seed: body.seed ?? null,
    maxTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    format: format === undefined ? null : format.type === 'json_schema' ? 'schema' : 'json',
    thinking: body.reasoning_effort ?? null,
    cacheHints: countKeys(raw, 'cache_control'),
  }
}

const reasons = { end: 'stop', length: 'length', calls: 'tool_calls' }

const usageOf = ({ usage }: Script) => ({
  prompt_tokens: usage.input,
  completion_tokens: usage.output,
  total_tokens: usage.input + usage.output,
  prompt_tokens_details: { cached_tokens: usage.cached },
  completion_tokens_details: { reasoning_tokens: usage.reasoning },
})

function frames(script: Script, { body }: Request): string[] {
  const chunk = (delta: object, finish: string | null = null) =>
    sse({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: body.model,
      choices: [{ index: 0, delta, finish_reason: finish }],
    })
  const calls = script.calls.flatMap(({ id, name, input }, index) => [
    chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
    ...pieces(JSON.stringify(input)).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ])
  const usage = (body.stream_options as { include_usage?: boolean } | undefined)?.include_usage
  return [
    chunk({ role: 'assistant', content: '' }),
    ...pieces(script.thought ?? '').map((piece) => chunk({ reasoning_content: piece })),
    ...pieces(script.text ?? '').map((piece) => chunk({ content: piece })),
    ...calls,
    chunk({}, reasons[script.stop]),
    ...(usage
      ? [sse({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: body.model, choices: [], usage: usageOf(script) })]
      : []),
    'data: [DONE]\n\n',
  ]
}

function whole(script: Script, { body }: Request): object {
  const calls = script.calls.map(({ id, name, input }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(input) } }))
  const message = {
    ...{ role: 'assistant', content: script.text },
    ...(script.thought === null ? {} : { reasoning_content: script.thought }),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  }
  const choices = [{ index: 0, message, finish_reason: reasons[script.stop] }]
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: body.model, choices, usage: usageOf(script) }
}

export const chatVendor: Vendor = {
  check,
  seen,
  frames,
  body: whole,
  failure: ({ message }) => ({ error: { message, type: 'some_error', param: null, code: null } }),
  contentType: 'text/event-stream',
}
