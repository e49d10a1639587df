import { z } from 'zod'
import { anything, cacheControl, jsonSchema, tokenCount } from './shared.ts'

// Anthropic’s Messages: https://platform.claude.com/docs/en/api/messages. Fields that are not here are not read.

const cached = { cache_control: cacheControl.nullish() }

const source = z.discriminatedUnion('type', [
  z.object({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
  z.object({ type: z.literal('url'), url: z.string() }),
  z.object({ type: z.literal('text'), media_type: z.string(), data: z.string() }),
  z.object({
    type: z.literal('content'),
    content: z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]),
  }),
  z.object({ type: z.literal('file'), file_id: z.string() }),
])
export type MessagesSource = z.infer<typeof source>

const textBlock = z.object({ type: z.literal('text'), text: z.string(), ...cached })
const imageBlock = z.object({ type: z.literal('image'), source, ...cached })
const documentBlock = z.object({
  type: z.literal('document'),
  source,
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations: z.object({ enabled: z.boolean().optional() }).nullish(),
  ...cached,
})
const resultContent = z.union([
  z.string(),
  z.array(
    z.discriminatedUnion('type', [
      textBlock,
      imageBlock,
      documentBlock,
      z.object({ type: z.literal('tool_reference'), tool_name: z.string() }),
    ]),
  ),
])
export type MessagesResultContent = z.infer<typeof resultContent>

const messagesBlock = z.discriminatedUnion('type', [
  textBlock,
  imageBlock,
  documentBlock,
  z.object({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().nullish() }),
  z.object({ type: z.literal('redacted_thinking'), data: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string().min(1), name: z.string().min(1), input: anything, ...cached }),
  z.object({
    type: z.literal('tool_result'),
    tool_use_id: z.string().min(1),
    content: resultContent.nullish(),
    is_error: z.boolean().nullish(),
    ...cached,
  }),
])
export type MessagesBlock = z.infer<typeof messagesBlock>

const messagesMessage = z.object({
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(messagesBlock)]),
})
export type MessagesMessage = z.infer<typeof messagesMessage>

const messagesTool = z.object({
  type: z.string().nullish(),
  name: z.string().min(1),
  description: z.string().nullish(),
  input_schema: jsonSchema.optional(),
  strict: z.boolean().nullish(),
  ...cached,
})
export type MessagesTool = z.infer<typeof messagesTool>

const toolChoice = z.object({
  type: z.enum(['auto', 'any', 'tool', 'none']),
  name: z.string().optional(),
  disable_parallel_tool_use: z.boolean().optional(),
})

export const messagesRequest = z.object({
  model: z.string(),
  max_tokens: tokenCount.optional(),
  messages: z.array(messagesMessage).min(1),
  system: z.union([z.string(), z.array(textBlock)]).nullish(),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().nullish(),
  top_k: z.number().int().nullish(),
  stop_sequences: z.array(z.string()).nullish(),
  tools: z.array(messagesTool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('enabled'), budget_tokens: z.number().int().optional() }),
      z.object({ type: z.literal('adaptive'), display: z.string().optional() }),
      z.object({ type: z.literal('disabled') }),
    ])
    .nullish(),
  output_config: z
    .object({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.object({ type: z.literal('json_schema'), schema: jsonSchema }).nullish(),
    })
    .nullish(),
  output_format: z.object({ type: z.literal('json_schema'), schema: jsonSchema }).nullish(),
  mcp_servers: z.array(anything).nullish(),
  container: anything.optional(),
})
export type MessagesRequest = z.infer<typeof messagesRequest>
