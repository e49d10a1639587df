import { z } from 'zod'
import { Pairs } from './pairs.ts'
import { countKeys, fail, nothingSeen, pieces, type Request, type Script, type Seen, sse, type Vendor } from './script.ts'

// https://platform.claude.com/docs/en/api/messages: unknown fields are refused, as Anthropic refuses them.

const cached = { cache_control: z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() }).optional() }
const id = z.string().regex(/^[a-zA-Z0-9_-]+$/)
const text = z.strictObject({ type: z.literal('text'), text: z.string().min(1), ...cached })
const source = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('base64'), media_type: z.string().regex(/\/[a-z]/), data: z.base64() }),
  z.strictObject({ type: z.literal('url'), url: z.url() }),
])
const image = z.strictObject({ type: z.literal('image'), source, ...cached })
const document = z.strictObject({ type: z.literal('document'), source, title: z.string().optional(), ...cached })
const result = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: id,
  content: z.union([z.string(), z.array(z.union([text, image, document]))]).optional(),
  is_error: z.boolean().optional(),
  ...cached,
})
const thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().min(1) })
const redacted = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string().min(1) })
const use = z.strictObject({
  type: z.literal('tool_use'),
  id,
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
  input: z.looseObject({}),
  ...cached,
})

const schema = z.strictObject({
  model: z.string().optional(),
  anthropic_version: z.literal('vertex-2023-10-16').optional(),
  max_tokens: z.number().int().min(1),
  messages: z
    .array(
      z.discriminatedUnion('role', [
        z.strictObject({ role: z.literal('user'), content: z.array(z.union([text, image, document, result])).min(1) }),
        z.strictObject({ role: z.literal('assistant'), content: z.array(z.union([text, thinking, redacted, use])).min(1) }),
      ]),
    )
    .min(1),
  system: z.array(text).optional(),
  stream: z.boolean().optional(),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().min(0).max(1).optional(),
  top_k: z.number().int().optional(),
  stop_sequences: z.array(z.string()).optional(),
  tools: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
        description: z.string().optional(),
        input_schema: z.looseObject({ type: z.literal('object') }),
        strict: z.boolean().optional(),
        ...cached,
      }),
    )
    .optional(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use: z.boolean().optional() }),
      z.strictObject({ type: z.literal('any'), disable_parallel_tool_use: z.boolean().optional() }),
      z.strictObject({ type: z.literal('tool'), name: z.string(), disable_parallel_tool_use: z.boolean().optional() }),
      z.strictObject({ type: z.literal('none') }),
    ])
    .optional(),
  thinking: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('enabled'), budget_tokens: z.number().int().min(1024) }),
      z.strictObject({ type: z.literal('adaptive'), display: z.string().optional() }),
      z.strictObject({ type: z.literal('disabled') }),
    ])
    .optional(),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional(),
      format: z.strictObject({ type: z.literal('json_schema'), schema: z.looseObject({}) }).optional(),
    })
    .optional(),
})
type Body = z.infer<typeof schema>

function checkThinking({ thinking: mode, max_tokens: most, temperature, tool_choice: choice, messages }: Body): void {
  if (mode?.type !== 'enabled') return
  if (mode.budget_tokens >= most) fail('max_tokens must be greater than thinking.budget_tokens')
  if (temperature !== undefined && temperature !== 1) fail('temperature may only be set to 1 when thinking is enabled')
  if (choice?.type === 'any' || choice?.type === 'tool') fail('Thinking may not be enabled when tool_choice forces tool use')
  const asked = messages.at(-2)
  const answers = messages.at(-1)?.content.some(({ type }) => type === 'tool_result')
  const [first] = asked?.role === 'assistant' ? asked.content : []
  if (answers && first?.type !== 'thinking' && first?.type !== 'redacted_thinking')
    fail(
      'Expected `thinking` or `redacted_thinking`, but found `tool_use`: when thinking is enabled, a final assistant message must start with a thinking block',
    )
}

function check({ body, headers, path }: Request): void {
  const vertex = path.includes('/publishers/anthropic/')
  if (vertex ? !headers.authorization : !headers['x-api-key']) fail('no key')
  if (!vertex && headers['anthropic-version'] !== '2023-06-01') fail('anthropic-version: header is required')
  const said = schema.parse(body)
  if (vertex ? said.anthropic_version === undefined || said.model !== undefined : said.model === undefined)
    fail('model or version is wrong')
  const pairs = new Pairs()
  for (const [index, { role, content }] of said.messages.entries()) {
    if (role !== (index % 2 === 0 ? 'user' : 'assistant')) fail('roles must alternate between "user" and "assistant"')
    for (const block of content) if (block.type === 'tool_result') pairs.result(block.tool_use_id)
    pairs.closed()
    for (const block of content) if (block.type === 'tool_use') pairs.call(block.id)
  }
  if (countKeys(said.messages, 'tool_use_id') > 0 && !said.tools?.length) fail('Requests which include tool blocks must define tools')
  if (countKeys(body, 'cache_control') > 4) fail('A maximum of 4 blocks with cache_control may be provided')
  checkThinking(said)
}

function seeResult(all: Seen, block: z.infer<typeof result>): void {
  const content = typeof block.content === 'string' ? [{ type: 'text' as const, text: block.content }] : (block.content ?? [])
  const words = content.flatMap((part) => (part.type === 'text' ? [part.text] : []))
  const images = content.filter((part) => part.type === 'image')
  all.results.push({ id: block.tool_use_id, text: words.join('\n'), error: block.is_error === true, images: images.length })
}

function seen(raw: Record<string, unknown>): Seen {
  const body = schema.parse(raw)
  const all = nothingSeen()
  for (const { content } of body.messages) {
    for (const block of content) {
      if (block.type === 'text') all.texts.push(block.text)
      else if (block.type === 'image') all.images.push(block.source.type === 'url' ? 'url' : 'data')
      else if (block.type === 'document') all.documents.push(block.source.type === 'url' ? 'url' : 'data')
      else if (block.type === 'tool_use') all.calls.push({ id: block.id, name: block.name, input: block.input })
      else if (block.type === 'tool_result') seeResult(all, block)
      else all.signatures.push(block.type === 'thinking' ? block.signature : block.data)
    }
  }
  const { tool_choice: choice, thinking: mode, output_config: config } = body
  return {
    ...all,
    system: (body.system ?? []).map((part) => part.text),
    tools: (body.tools ?? []).map(({ name }) => name),
    choice: choice === undefined ? null : choice.type === 'tool' ? choice.name : choice.type,
    parallel: choice !== undefined && 'disable_parallel_tool_use' in choice ? !choice.disable_parallel_tool_use : null,
    stop: body.stop_sequences ?? [],
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    maxTokens: body.max_tokens,
    format: config?.format ? 'schema' : body.tools?.some(({ name }) => name === 'json') ? 'json' : null,
    thinking: config?.effort ?? (mode?.type === 'enabled' ? `${mode.budget_tokens} tokens` : (mode?.type ?? null)),
    cacheHints: countKeys(raw, 'cache_control'),
  }
}

const reasons = { end: 'end_turn', length: 'max_tokens', calls: 'tool_use' }

const usageOf = ({ usage }: Script) => ({
  input_tokens: usage.input - usage.cached - usage.written,
  cache_read_input_tokens: usage.cached,
  cache_creation_input_tokens: usage.written,
  output_tokens: usage.output,
})

function frames(script: Script, { body }: Request): string[] {
  let index = 0
  const send = (type: string, data: object) => sse({ type, ...data }, type)
  const block = (content: object, deltas: object[]): string[] => {
    const at = index++
    return [
      send('content_block_start', { index: at, content_block: content }),
      ...deltas.map((delta) => send('content_block_delta', { index: at, delta })),
      send('content_block_stop', { index: at }),
    ]
  }
  const thought =
    script.thought === null
      ? []
      : [
          ...block({ type: 'thinking', thinking: '', signature: '' }, [
            ...pieces(script.thought).map((piece) => ({ type: 'thinking_delta', thinking: piece })),
            { type: 'signature_delta', signature: 'sig-of-claude' },
          ]),
        ]
  const words =
    script.text === null
      ? []
      : block(
          { type: 'text', text: '' },
          pieces(script.text).map((piece) => ({ type: 'text_delta', text: piece })),
        )
  const calls = script.calls.flatMap(({ id: callId, name, input }) =>
    block(
      { type: 'tool_use', id: callId, name, input: {} },
      pieces(JSON.stringify(input)).map((piece) => ({ type: 'input_json_delta', partial_json: piece })),
    ),
  )
  const start = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: body.model ?? 'claude',
    content: [],
    stop_reason: null,
    stop_sequence: null,
  }
  return [
    send('message_start', { message: { ...start, usage: { ...usageOf(script), output_tokens: 1 } } }),
    send('ping', {}),
    ...thought,
    ...words,
    ...calls,
    send('message_delta', { delta: { stop_reason: reasons[script.stop], stop_sequence: null }, usage: usageOf(script) }),
    send('message_stop', {}),
  ]
}

function whole(script: Script, { body }: Request): object {
  const content = [
    ...(script.thought === null ? [] : [{ type: 'thinking', thinking: script.thought, signature: 'sig-of-claude' }]),
    ...(script.text === null ? [] : [{ type: 'text', text: script.text }]),
    ...script.calls.map((call) => ({ type: 'tool_use', ...call })),
  ]
  const stop = { stop_reason: reasons[script.stop], stop_sequence: null }
  return { id: 'msg_1', type: 'message', role: 'assistant', model: body.model ?? 'claude', content, ...stop, usage: usageOf(script) }
}

export const messagesVendor: Vendor = {
  check,
  seen,
  frames,
  body: whole,
  failure: ({ message }) => ({ type: 'error', error: { type: 'some_error', message } }),
  contentType: 'text/event-stream',
}
