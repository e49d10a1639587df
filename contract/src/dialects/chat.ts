import { z } from 'zod'
import { anything, cacheControl, jsonSchema, tokenCount, unitNumber } from './shared.ts'

// OpenAI’s Chat Completions: https://platform.openai.com/docs/api-reference/chat/create. Fields that are not here are not read.

const chatText = z.object({ type: z.literal('text'), text: z.string(), cache_control: cacheControl.nullish() })
const chatRefusal = z.object({ type: z.literal('refusal'), refusal: z.string() })
const chatImage = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string(), detail: z.string().nullish() }) })
const chatAudio = z.object({ type: z.literal('input_audio'), input_audio: z.object({ data: z.string(), format: z.enum(['wav', 'mp3']) }) })
const chatFile = z.object({
  type: z.literal('file'),
  file: z.object({ file_data: z.string().nullish(), file_id: z.string().nullish(), filename: z.string().nullish() }),
})

const words = z.union([z.string(), z.array(chatText)])
const userContent = z.union([z.string(), z.array(z.discriminatedUnion('type', [chatText, chatImage, chatAudio, chatFile]))])
const assistantContent = z.union([z.string(), z.array(z.discriminatedUnion('type', [chatText, chatRefusal]))])

/** Google’s place for the signature of a call: https://ai.google.dev/gemini-api/docs/openai */
const extraContent = z.object({ google: z.object({ thought_signature: z.string().nullish() }).nullish() })

const chatToolCall = z.discriminatedUnion('type', [
  z.object({
    id: z.string().min(1),
    type: z.literal('function'),
    function: z.object({ name: z.string().min(1), arguments: z.string() }),
    extra_content: extraContent.nullish(),
  }),
  z.object({ id: z.string().min(1), type: z.literal('custom'), custom: z.object({ name: z.string().min(1), input: z.string() }) }),
])

const chatMessage = z.discriminatedUnion('role', [
  z.object({ role: z.literal('system'), content: words }),
  z.object({ role: z.literal('developer'), content: words }),
  z.object({ role: z.literal('user'), content: userContent }),
  z.object({
    role: z.literal('assistant'),
    content: assistantContent.nullish(),
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    tool_calls: z.array(chatToolCall).nullish(),
  }),
  z.object({
    role: z.literal('tool'),
    tool_call_id: z.string().min(1),
    content: z.union([z.string(), z.array(z.union([chatText, chatImage]))]),
  }),
])
export type ChatMessage = z.infer<typeof chatMessage>

const grammar = z.object({ syntax: z.string(), definition: z.string() })
const chatTool = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('function'),
    function: z.object({
      name: z.string().min(1),
      description: z.string().nullish(),
      parameters: jsonSchema.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
  z.object({
    type: z.literal('custom'),
    custom: z.object({
      name: z.string().min(1),
      description: z.string().nullish(),
      format: z.object({ type: z.string(), grammar: grammar.nullish() }).nullish(),
    }),
  }),
])
export type ChatTool = z.infer<typeof chatTool>

const chatToolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
  z.object({ type: z.literal('custom'), custom: z.object({ name: z.string() }) }),
])

const chatFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({
      name: z.string(),
      description: z.string().nullish(),
      schema: jsonSchema.nullish(),
      strict: z.boolean().nullish(),
    }),
  }),
])

export const chatRequest = z.object({
  model: z.string(),
  messages: z.array(chatMessage).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: tokenCount.nullish(),
  max_completion_tokens: tokenCount.nullish(),
  temperature: unitNumber.nullish(),
  top_p: unitNumber.nullish(),
  presence_penalty: z.number().nullish(),
  frequency_penalty: z.number().nullish(),
  seed: z.number().int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  tools: z.array(chatTool).nullish(),
  tool_choice: chatToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: chatFormat.nullish(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
  n: z.number().int().nullish(),
  logprobs: z.boolean().nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  modalities: z.array(z.string()).nullish(),
  audio: anything.optional(),
  web_search_options: anything.optional(),
  functions: anything.optional(),
  function_call: anything.optional(),
})
export type ChatRequest = z.infer<typeof chatRequest>
