import { z } from 'zod'
import { Pairs } from './pairs.ts'
import { countKeys, fail, nothingSeen, pieces, type Request, type Script, type Seen, sse, type Vendor } from './script.ts'

// https://platform.openai.com/docs/api-reference/responses/create: unknown fields are refused, as OpenAI refuses them.

const inputText = z.strictObject({ type: z.literal('input_text'), text: z.string() })
const outputText = z.strictObject({ type: z.literal('output_text'), text: z.string() })
const inputImage = z.strictObject({ type: z.literal('input_image'), image_url: z.string(), detail: z.string().optional() })
const inputFile = z.strictObject({
  type: z.literal('input_file'),
  filename: z.string().optional(),
  file_data: z.string().startsWith('data:').optional(),
  file_url: z.url().optional(),
})
const item = z.union([
  z.strictObject({ role: z.enum(['system', 'developer']), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.array(z.union([inputText, inputImage, inputFile])).min(1) }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.union([z.string().min(1), z.array(outputText).min(1)]),
    id: z.string().optional(),
    type: z.literal('message').optional(),
  }),
  z.strictObject({
    type: z.literal('function_call'),
    call_id: z.string().max(64),
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
    arguments: z.string(),
    id: z.string().optional(),
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    call_id: z.string(),
    output: z.union([z.string(), z.array(z.union([inputText, inputImage, inputFile]))]),
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.string().optional(),
    encrypted_content: z.string().nullish(),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
  }),
])
const schema = z.strictObject({
  model: z.string(),
  input: z.array(item).min(1),
  stream: z.boolean().optional(),
  store: z.literal(false),
  include: z.array(z.string()).optional(),
  max_output_tokens: z.number().int().min(16).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  parallel_tool_calls: z.boolean().optional(),
  reasoning: z.strictObject({ effort: z.string().optional(), summary: z.string().optional() }).optional(),
  text: z
    .strictObject({
      verbosity: z.string().optional(),
      format: z
        .union([
          z.strictObject({ type: z.literal('json_object') }),
          z.strictObject({
            type: z.literal('json_schema'),
            name: z.string(),
            description: z.string().optional(),
            strict: z.boolean().optional(),
            schema: z.looseObject({}),
          }),
        ])
        .optional(),
    })
    .optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
        description: z.string().optional(),
        parameters: z.looseObject({ type: z.literal('object') }),
        strict: z.boolean(),
      }),
    )
    .optional(),
  tool_choice: z
    .union([z.enum(['auto', 'none', 'required']), z.strictObject({ type: z.literal('function'), name: z.string() })])
    .optional(),
})

function check({ body, headers }: Request): void {
  if (!headers.authorization && !headers['api-key']) fail('no key')
  const pairs = new Pairs()
  const { input, tools } = schema.parse(body)
  const calls = new Set<string>()
  for (const one of input) {
    if ('type' in one && one.type === 'function_call') [pairs.call(one.call_id), calls.add(one.call_id), JSON.parse(one.arguments)]
    else if ('type' in one && one.type === 'function_call_output') pairs.result(one.call_id)
    else if (!('type' in one) || one.type !== 'reasoning') pairs.closed()
  }
  pairs.closed()
  if (calls.size > 0 && tools === undefined) return
}

function seeParts(all: Seen, parts: readonly z.infer<typeof inputText | typeof inputImage | typeof inputFile>[]): number {
  let images = 0
  for (const part of parts) {
    if (part.type === 'input_text') all.texts.push(part.text)
    else if (part.type === 'input_file') all.documents.push(part.file_url ? 'url' : 'data')
    else {
      images++
      all.images.push(part.image_url.startsWith('data:') ? 'data' : 'url')
    }
  }
  return images
}

function seeItem(all: Seen, one: z.infer<typeof item>): void {
  if ('role' in one) {
    if (typeof one.content === 'string') (one.role === 'assistant' ? all.texts : all.system).push(one.content)
    else if (one.role === 'assistant') all.texts.push(...one.content.map(({ text }) => text))
    else seeParts(all, one.content)
  } else if (one.type === 'function_call') all.calls.push({ id: one.call_id, name: one.name, input: JSON.parse(one.arguments) })
  else if (one.type === 'reasoning') all.signatures.push(one.encrypted_content ?? '')
  else {
    const inner = nothingSeen()
    const images = typeof one.output === 'string' ? 0 : seeParts(inner, one.output)
    all.results.push({ id: one.call_id, text: typeof one.output === 'string' ? one.output : inner.texts.join('\n'), error: false, images })
  }
}

function seen(raw: Record<string, unknown>): Seen {
  const body = schema.parse(raw)
  const all = nothingSeen()
  for (const one of body.input) seeItem(all, one)
  const { tool_choice: choice, text } = body
  return {
    ...all,
    tools: (body.tools ?? []).map(({ name }) => name),
    choice: choice === undefined ? null : typeof choice === 'object' ? choice.name : choice === 'required' ? 'any' : choice,
    parallel: body.parallel_tool_calls ?? null,
    temperature: body.temperature ?? null,
    topP: body.top_p ?? null,
    maxTokens: body.max_output_tokens ?? null,
    format: text?.format === undefined ? null : text.format.type === 'json_schema' ? 'schema' : 'json',
    thinking: body.reasoning?.effort ?? null,
    cacheHints: countKeys(raw, 'cache_control'),
  }
}

const usageOf = ({ usage }: Script) => ({
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cached },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.reasoning },
  total_tokens: usage.input + usage.output,
})

function itemsOf(script: Script): Record<string, unknown>[] {
  return [
    ...(script.thought === null
      ? []
      : [
          {
            id: 'rs_1',
            type: 'reasoning',
            encrypted_content: 'sealed-by-openai',
            summary: [{ type: 'summary_text', text: script.thought }],
          },
        ]),
    ...(script.text === null
      ? []
      : [
          {
            id: 'msg_1',
            type: 'message',
            status: 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', text: script.text, annotations: [], logprobs: [] }],
          },
        ]),
    ...script.calls.map(({ id, name, input }) => ({
      ...{ id: `fc_${id}`, type: 'function_call', status: 'completed', call_id: id, name, arguments: JSON.stringify(input) },
    })),
  ]
}

function responseOf(script: Script, body: Record<string, unknown>): Record<string, unknown> {
  const cut = script.stop === 'length'
  return {
    ...{ id: 'resp_1', object: 'response', created_at: 1, model: body.model, error: null, output: itemsOf(script), usage: usageOf(script) },
    ...{ status: cut ? 'incomplete' : 'completed', incomplete_details: cut ? { reason: 'max_output_tokens' } : null },
  }
}

function textFrames(text: string, at: object, send: (type: string, data: object) => string): string[] {
  const place = { ...at, content_index: 0 }
  const part = { type: 'output_text', text: '', annotations: [], logprobs: [] }
  return [
    send('response.content_part.added', { ...place, part }),
    ...pieces(text).map((delta) => send('response.output_text.delta', { ...place, delta, logprobs: [] })),
    send('response.output_text.done', { ...place, text, logprobs: [] }),
    send('response.content_part.done', { ...place, part: { ...part, text } }),
  ]
}

function frames(script: Script, { body }: Request): string[] {
  let sequence = 0
  const send = (type: string, data: object) => sse({ type, sequence_number: sequence++, ...data }, type)
  const out: string[] = []
  const response = responseOf(script, body)
  out.push(send('response.created', { response: { ...response, output: [], usage: null, status: 'in_progress' } }))
  for (const [index, one] of itemsOf(script).entries()) {
    const at = { item_id: one.id, output_index: index }
    out.push(
      send('response.output_item.added', {
        output_index: index,
        item: { ...one, summary: [], content: [], arguments: '', status: 'in_progress' },
      }),
    )
    if (one.type === 'reasoning') {
      out.push(send('response.reasoning_summary_part.added', { ...at, summary_index: 0, part: { type: 'summary_text', text: '' } }))
      for (const piece of pieces(script.thought ?? ''))
        out.push(send('response.reasoning_summary_text.delta', { ...at, summary_index: 0, delta: piece }))
    }
    if (one.type === 'message') out.push(...textFrames(script.text ?? '', at, send))
    if (one.type === 'function_call')
      for (const piece of pieces(String(one.arguments))) out.push(send('response.function_call_arguments.delta', { ...at, delta: piece }))
    out.push(send('response.output_item.done', { output_index: index, item: one }))
  }
  out.push(send(`response.${response.status}`, { response }))
  return out
}

export const responsesVendor: Vendor = {
  check,
  seen,
  frames,
  body: (script, { body }) => responseOf(script, body),
  failure: ({ message }) => ({ error: { message, type: 'some_error', param: null, code: null } }),
  contentType: 'text/event-stream',
}
