import { z } from 'zod'
import { fail, nothingSeen, pieces, type Request, type Script, type Seen, sse, type Vendor } from './script.ts'

// https://ai.google.dev/api/generate-content: unknown fields are refused, as Google refuses them.

const blob = z.strictObject({ mimeType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/), data: z.base64() })
const part = z.strictObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  thoughtSignature: z.string().optional(),
  inlineData: blob.optional(),
  fileData: z.strictObject({ mimeType: z.string().optional(), fileUri: z.string() }).optional(),
  functionCall: z.strictObject({ id: z.string().optional(), name: z.string(), args: z.looseObject({}) }).optional(),
  functionResponse: z
    .strictObject({
      id: z.string().optional(),
      name: z.string(),
      response: z.looseObject({}),
      parts: z.array(z.strictObject({ inlineData: blob })).optional(),
    })
    .optional(),
})
const content = z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(part).min(1) })
const schema = z.strictObject({
  contents: z.array(content).min(1),
  systemInstruction: z.strictObject({ parts: z.array(z.strictObject({ text: z.string() })).min(1) }).optional(),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z.array(
          z.looseObject({ name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/), description: z.string() }),
        ),
      }),
    )
    .optional(),
  toolConfig: z
    .strictObject({
      functionCallingConfig: z.strictObject({
        mode: z.enum(['AUTO', 'ANY', 'NONE', 'VALIDATED']).optional(),
        allowedFunctionNames: z.array(z.string()).optional(),
        streamFunctionCallArguments: z.boolean().optional(),
      }),
    })
    .optional(),
  generationConfig: z
    .strictObject({
      maxOutputTokens: z.number().int().min(1).optional(),
      temperature: z.number().min(0).max(2).optional(),
      topP: z.number().optional(),
      topK: z.number().optional(),
      stopSequences: z.array(z.string()).max(5).optional(),
      seed: z.number().int().optional(),
      presencePenalty: z.number().optional(),
      frequencyPenalty: z.number().optional(),
      responseMimeType: z.string().optional(),
      responseSchema: z.looseObject({}).optional(),
      responseJsonSchema: z.looseObject({}).optional(),
      thinkingConfig: z
        .strictObject({
          includeThoughts: z.boolean().optional(),
          thinkingBudget: z.number().int().optional(),
          thinkingLevel: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
})
type Content = z.infer<typeof content>

/** Function responses stand right behind the calls, as many as there were. */
function checkCalls(contents: readonly Content[]): void {
  for (const [index, { role, parts }] of contents.entries()) {
    const calls = parts.filter(({ functionCall }) => functionCall)
    const answers = parts.filter(({ functionResponse }) => functionResponse)
    if (role === 'model' && answers.length > 0) fail('the model gives no function responses')
    if (role === 'user' && calls.length > 0) fail('the user calls no functions')
    const before = index === 0 ? [] : (contents[index - 1]?.parts.filter(({ functionCall }) => functionCall) ?? [])
    if (answers.length !== before.length)
      fail('the number of function response parts is not equal to the number of function call parts of the function call turn')
    if (answers.some((answer, at) => answer.functionResponse?.name !== before[at]?.functionCall?.name))
      fail('a function response has another name than its call')
  }
  if (contents.at(-1)?.parts.some(({ functionCall }) => functionCall)) fail('a function call is not answered')
}

function check({ body, headers }: Request): void {
  if (!headers['x-goog-api-key'] && !headers.authorization) fail('no key')
  const said = schema.parse(body)
  if (said.contents[0]?.role !== 'user') fail('the first content must be the user’s')
  checkCalls(said.contents)
}

function seePart(all: Seen, one: Content['parts'][number]): void {
  if (one.thoughtSignature) all.signatures.push(one.thoughtSignature)
  if (one.functionCall) all.calls.push({ id: one.functionCall.id ?? '', name: one.functionCall.name, input: one.functionCall.args })
  else if (one.functionResponse) {
    const { id = '', response, parts = [] } = one.functionResponse
    all.results.push({ id, text: String(response.content ?? JSON.stringify(response)), error: false, images: parts.length })
  } else if (one.inlineData) (one.inlineData.mimeType.startsWith('image/') ? all.images : all.documents).push('data')
  else if (one.fileData) all.images.push('url')
  else if (one.text) all.texts.push(one.text)
}

function seen(raw: Record<string, unknown>): Seen {
  const body = schema.parse(raw)
  const all = nothingSeen()
  for (const { parts } of body.contents) for (const one of parts) seePart(all, one)
  const config = body.generationConfig ?? {}
  const { mode, allowedFunctionNames: allowed } = body.toolConfig?.functionCallingConfig ?? {}
  const { thinkingConfig: thinking } = config
  return {
    ...all,
    system: (body.systemInstruction?.parts ?? []).map(({ text }) => text),
    tools: (body.tools ?? []).flatMap((tool) => tool.functionDeclarations.map(({ name }) => name)),
    choice: mode === undefined ? null : (allowed?.[0] ?? mode.toLowerCase()),
    stop: config.stopSequences ?? [],
    temperature: config.temperature ?? null,
    topP: config.topP ?? null,
    seed: config.seed ?? null,
    maxTokens: config.maxOutputTokens ?? null,
    format: config.responseMimeType !== 'application/json' ? null : config.responseSchema || config.responseJsonSchema ? 'schema' : 'json',
    thinking:
      thinking === undefined
        ? null
        : (thinking.thinkingLevel ?? (thinking.thinkingBudget === undefined ? 'shown' : `${thinking.thinkingBudget} tokens`)),
  }
}

const reasons = { end: 'STOP', length: 'MAX_TOKENS', calls: 'STOP' }

const usageOf = ({ usage }: Script) => ({
  promptTokenCount: usage.input,
  candidatesTokenCount: usage.output - usage.reasoning,
  thoughtsTokenCount: usage.reasoning,
  cachedContentTokenCount: usage.cached,
  totalTokenCount: usage.input + usage.output,
})

const callParts = ({ calls }: Script) =>
  calls.map(({ name, input }, index) => ({
    functionCall: { name, args: input },
    ...(index === 0 ? { thoughtSignature: 'c2lnLW9mLWdlbWluaQ==' } : {}),
  }))

function chunkOf(parts: object[], script: Script | null): object {
  const end = script === null ? {} : { finishReason: reasons[script.stop] }
  return {
    candidates: [{ content: { role: 'model', parts }, index: 0, ...end }],
    modelVersion: 'gemini',
    ...(script === null ? {} : { usageMetadata: usageOf(script) }),
  }
}

function frames(script: Script): string[] {
  return [
    ...pieces(script.thought ?? '').map((piece) => sse(chunkOf([{ text: piece, thought: true }], null))),
    ...pieces(script.text ?? '').map((piece) => sse(chunkOf([{ text: piece }], null))),
    ...(script.calls.length > 0 ? [sse(chunkOf(callParts(script), null))] : []),
    sse(chunkOf([{ text: '' }], script)),
  ]
}

function whole(script: Script): object {
  const thought = script.thought === null ? [] : [{ text: script.thought, thought: true }]
  return chunkOf([...thought, ...(script.text === null ? [] : [{ text: script.text }]), ...callParts(script)], script)
}

export const generateVendor: Vendor = {
  check,
  seen,
  frames,
  body: whole,
  failure: ({ status, message }) => ({ error: { code: status, message, status: 'SOME_ERROR' } }),
  contentType: 'text/event-stream',
}
