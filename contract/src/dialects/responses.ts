import { z } from 'zod'
import { anything, jsonSchema, tokenCount, unitNumber } from './shared.ts'

// OpenAI’s Responses: https://platform.openai.com/docs/api-reference/responses/create. Fields that are not here are not read.

const inputText = z.object({ type: z.literal('input_text'), text: z.string() })
const outputText = z.object({ type: z.literal('output_text'), text: z.string() })
const refusal = z.object({ type: z.literal('refusal'), refusal: z.string() })
const inputImage = z.object({
  type: z.literal('input_image'),
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  detail: z.string().nullish(),
})
const inputFile = z.object({
  type: z.literal('input_file'),
  file_data: z.string().nullish(),
  file_url: z.string().nullish(),
  file_id: z.string().nullish(),
  filename: z.string().nullish(),
})
const inputAudio = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({ data: z.string(), format: z.enum(['wav', 'mp3']) }),
})
const content = z.discriminatedUnion('type', [inputText, outputText, refusal, inputImage, inputFile, inputAudio])
export type ResponsesContent = z.infer<typeof content>

const message = z.object({
  type: z.literal('message').default('message'),
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  content: z.union([z.string(), z.array(content)]),
})
const output = z.union([z.string(), z.array(z.discriminatedUnion('type', [inputText, outputText, inputImage, inputFile]))])
export type ResponsesToolOutput = z.infer<typeof output>

const call = { call_id: z.string().min(1), name: z.string().min(1) }
const typed = z.discriminatedUnion('type', [
  z.object({ type: z.literal('function_call'), ...call, namespace: z.string().nullish(), arguments: z.string() }),
  z.object({ type: z.literal('function_call_output'), call_id: z.string().min(1), output }),
  z.object({ type: z.literal('custom_tool_call'), ...call, namespace: z.string().nullish(), input: z.string() }),
  z.object({ type: z.literal('custom_tool_call_output'), call_id: z.string().min(1), output }),
  z.object({
    type: z.literal('reasoning'),
    summary: z.array(z.object({ type: z.string(), text: z.string() })).nullish(),
    content: z.array(z.object({ type: z.string(), text: z.string() })).nullish(),
    encrypted_content: z.string().nullish(),
  }),
  z.object({ type: z.literal('item_reference'), id: z.string() }),
  // What the provider’s own tools did in an earlier turn: it is left out.
  z.object({ type: z.literal('web_search_call') }),
  z.object({ type: z.literal('image_generation_call') }),
  z.object({ type: z.literal('code_interpreter_call') }),
  z.object({ type: z.literal('file_search_call') }),
])
const item = z.union([typed, message])
export type ResponsesItem = z.infer<typeof item>

const functionTool = z.object({
  type: z.literal('function'),
  name: z.string().min(1),
  description: z.string().nullish(),
  parameters: jsonSchema.nullish(),
  strict: z.boolean().nullish(),
})
const customTool = z.object({
  type: z.literal('custom'),
  name: z.string().min(1),
  description: z.string().nullish(),
  format: z.object({ type: z.string(), syntax: z.string().nullish(), definition: z.string().nullish() }).nullish(),
})
const ownTool = z.discriminatedUnion('type', [functionTool, customTool])
const namespaceTool = z.object({
  type: z.literal('namespace'),
  name: z.string().min(1),
  description: z.string().nullish(),
  tools: z.array(ownTool),
})
const hostedTool = z.object({ type: z.string().min(1) })
export type ResponsesOwnTool = z.infer<typeof ownTool>

const toolChoice = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({
    type: z.string(),
    name: z.string().optional(),
    namespace: z.string().nullish(),
    mode: z.string().optional(),
    tools: anything.optional(),
  }),
])

const format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    name: z.string().nullish(),
    description: z.string().nullish(),
    schema: jsonSchema,
    strict: z.boolean().nullish(),
  }),
])

export const responsesRequest = z.object({
  model: z.string(),
  input: z.union([z.string(), z.array(item)]),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: tokenCount.nullish(),
  temperature: unitNumber.nullish(),
  top_p: unitNumber.nullish(),
  tools: z.array(z.union([functionTool, customTool, namespaceTool, hostedTool])).nullish(),
  tool_choice: toolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  text: z.object({ format: format.nullish(), verbosity: z.enum(['low', 'medium', 'high']).nullish() }).nullish(),
  reasoning: z
    .object({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      summary: z.string().nullish(),
    })
    .nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  previous_response_id: z.string().nullish(),
  conversation: anything.optional(),
  background: z.boolean().nullish(),
  prompt: anything.optional(),
  top_logprobs: z.number().int().nullish(),
})
export type ResponsesRequest = z.infer<typeof responsesRequest>
