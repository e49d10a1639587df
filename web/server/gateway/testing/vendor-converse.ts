import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { Pairs } from './pairs.ts'
import { countKeys, fail, nothingSeen, pieces, type Request, type Script, type Seen, type Vendor } from './script.ts'

// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html: unknown fields are refused, as AWS refuses them.

const cachePoint = z.strictObject({ cachePoint: z.strictObject({ type: z.literal('default'), ttl: z.string().optional() }) })
const text = z.strictObject({ text: z.string().min(1) })
const bytes = z.strictObject({ bytes: z.base64() })
const image = z.strictObject({ image: z.strictObject({ format: z.enum(['png', 'jpeg', 'gif', 'webp']), source: bytes }) })
const document = z.strictObject({
  document: z.strictObject({ format: z.string(), name: z.string().regex(/^[a-zA-Z0-9\s\-()[\]]+$/), source: bytes }),
})
const id = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/)
const result = z.strictObject({
  toolResult: z.strictObject({ toolUseId: id, content: z.array(z.union([text, image, document])), status: z.string().optional() }),
})
const use = z.strictObject({
  toolUse: z.strictObject({ toolUseId: id, name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/), input: z.looseObject({}) }),
})
const reasoning = z.strictObject({
  reasoningContent: z.union([
    z.strictObject({ reasoningText: z.strictObject({ text: z.string(), signature: z.string() }) }),
    z.strictObject({ redactedReasoning: z.strictObject({ data: z.string() }) }),
  ]),
})
const block = z.union([text, image, document, result, use, reasoning, cachePoint])

const schema = z.strictObject({
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(block).min(1) })).min(1),
  system: z.array(z.union([text, cachePoint])).optional(),
  inferenceConfig: z
    .strictObject({
      maxTokens: z.number().int().min(1).optional(),
      temperature: z.number().min(0).max(1).optional(),
      topP: z.number().min(0).max(1).optional(),
      stopSequences: z.array(z.string()).optional(),
    })
    .optional(),
  toolConfig: z
    .strictObject({
      tools: z
        .array(
          z.union([
            z.strictObject({
              toolSpec: z.strictObject({
                name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
                description: z.string().min(1).optional(),
                strict: z.boolean().optional(),
                inputSchema: z.strictObject({ json: z.looseObject({ type: z.literal('object') }) }),
              }),
            }),
            cachePoint,
          ]),
        )
        .min(1),
      toolChoice: z
        .union([
          z.strictObject({ auto: z.strictObject({}) }),
          z.strictObject({ any: z.strictObject({}) }),
          z.strictObject({ tool: z.strictObject({ name: z.string() }) }),
        ])
        .optional(),
    })
    .optional(),
  additionalModelRequestFields: z.looseObject({}).optional(),
  additionalModelResponseFieldPaths: z.array(z.string()).optional(),
})
type Block = z.infer<typeof block>

function check({ body, headers }: Request): void {
  const { authorization } = headers
  if (typeof authorization !== 'string' || !/^(Bearer .|AWS4-HMAC-SHA256 Credential=.+Signature=[0-9a-f]{64}$)/.test(authorization))
    fail('not signed')
  const said = schema.parse(body)
  const pairs = new Pairs()
  for (const [index, { role, content }] of said.messages.entries()) {
    if (role !== (index % 2 === 0 ? 'user' : 'assistant')) fail('A conversation must alternate between user and assistant roles')
    for (const one of content) if ('toolResult' in one) pairs.result(one.toolResult.toolUseId)
    pairs.closed()
    for (const one of content) if ('toolUse' in one) pairs.call(one.toolUse.toolUseId)
  }
  if (countKeys(said.messages, 'toolUse') > 0 && !said.toolConfig)
    fail('The toolConfig field must be defined when using toolUse and toolResult content blocks')
}

function seeBlock(all: Seen, one: Block): void {
  if ('text' in one) all.texts.push(one.text)
  else if ('image' in one) all.images.push('data')
  else if ('document' in one) all.documents.push('data')
  else if ('toolUse' in one) all.calls.push({ id: one.toolUse.toolUseId, name: one.toolUse.name, input: one.toolUse.input })
  else if ('toolResult' in one) {
    const { toolUseId, content, status } = one.toolResult
    const words = content.flatMap((piece) => ('text' in piece ? [piece.text] : []))
    all.results.push({
      id: toolUseId,
      text: words.join('\n'),
      error: status === 'error',
      images: content.filter((piece) => 'image' in piece).length,
    })
  } else if ('reasoningContent' in one) {
    const { reasoningContent: said } = one
    all.signatures.push('reasoningText' in said ? said.reasoningText.signature : said.redactedReasoning.data)
  }
}

function seen(raw: Record<string, unknown>): Seen {
  const body = schema.parse(raw)
  const all = nothingSeen()
  for (const { content } of body.messages) for (const one of content) seeBlock(all, one)
  const config = body.inferenceConfig ?? {}
  const tools = (body.toolConfig?.tools ?? []).flatMap((tool) => ('toolSpec' in tool ? [tool.toolSpec.name] : []))
  const choice = body.toolConfig?.toolChoice
  const extra = (body.additionalModelRequestFields ?? {}) as {
    thinking?: { type: string; budget_tokens?: number }
    output_config?: { effort?: string; format?: object }
  }
  return {
    ...all,
    system: (body.system ?? []).flatMap((part) => ('text' in part ? [part.text] : [])),
    tools,
    choice: choice === undefined ? null : 'tool' in choice ? choice.tool.name : 'any' in choice ? 'any' : 'auto',
    stop: config.stopSequences ?? [],
    temperature: config.temperature ?? null,
    topP: config.topP ?? null,
    maxTokens: config.maxTokens ?? null,
    format: extra.output_config?.format ? 'schema' : tools.includes('json') ? 'json' : null,
    thinking:
      extra.output_config?.effort ??
      (extra.thinking?.budget_tokens === undefined ? (extra.thinking?.type ?? null) : `${extra.thinking.budget_tokens} tokens`),
    cacheHints: countKeys(raw, 'cachePoint'),
  }
}

const reasons = { end: 'end_turn', length: 'max_tokens', calls: 'tool_use' }

const usageOf = ({ usage }: Script) => ({
  inputTokens: usage.input - usage.cached - usage.written,
  outputTokens: usage.output,
  totalTokens: usage.input + usage.output,
  cacheReadInputTokens: usage.cached,
  cacheWriteInputTokens: usage.written,
})

function header(name: string, value: string): Buffer {
  const size = Buffer.alloc(2)
  size.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), Buffer.from([7]), size, Buffer.from(value)])
}

/** https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html */
function frame(type: string, data: object): Buffer {
  const headers = Buffer.concat([
    header(':event-type', type),
    header(':content-type', 'application/json'),
    header(':message-type', 'event'),
  ])
  const payload = Buffer.from(JSON.stringify(data))
  const prelude = Buffer.alloc(12)
  prelude.writeUInt32BE(16 + headers.length + payload.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8)
  const whole = Buffer.concat([prelude, headers, payload])
  const end = Buffer.alloc(4)
  end.writeUInt32BE(crc32(whole))
  return Buffer.concat([whole, end])
}

function frames(script: Script): Buffer[] {
  let index = 0
  const block = (start: object | null, deltas: object[]): Buffer[] => {
    const contentBlockIndex = index++
    return [
      ...(start === null ? [] : [frame('contentBlockStart', { contentBlockIndex, start })]),
      ...deltas.map((delta) => frame('contentBlockDelta', { contentBlockIndex, delta })),
      frame('contentBlockStop', { contentBlockIndex }),
    ]
  }
  const thought = pieces(script.thought ?? '').map((piece) => ({ reasoningContent: { text: piece } }))
  return [
    frame('messageStart', { role: 'assistant' }),
    ...(script.thought === null ? [] : block(null, [...thought, { reasoningContent: { signature: 'sig-of-bedrock' } }])),
    ...(script.text === null
      ? []
      : block(
          null,
          pieces(script.text).map((piece) => ({ text: piece })),
        )),
    ...script.calls.flatMap(({ id: toolUseId, name, input }) =>
      block(
        { toolUse: { toolUseId, name } },
        pieces(JSON.stringify(input)).map((piece) => ({ toolUse: { input: piece } })),
      ),
    ),
    frame('messageStop', { stopReason: reasons[script.stop] }),
    frame('metadata', { usage: usageOf(script), metrics: { latencyMs: 1 } }),
  ]
}

function whole(script: Script): object {
  const content = [
    ...(script.thought === null ? [] : [{ reasoningContent: { reasoningText: { text: script.thought, signature: 'sig-of-bedrock' } } }]),
    ...(script.text === null ? [] : [{ text: script.text }]),
    ...script.calls.map(({ id: toolUseId, name, input }) => ({ toolUse: { toolUseId, name, input } })),
  ]
  return {
    output: { message: { role: 'assistant', content } },
    stopReason: reasons[script.stop],
    usage: usageOf(script),
    metrics: { latencyMs: 1 },
  }
}

export const converseVendor: Vendor = {
  check,
  seen,
  frames,
  body: whole,
  failure: ({ message }) => ({ message }),
  contentType: 'application/vnd.amazon.eventstream',
}
