import { type ChatRequest, type ChatTool, chatRequest } from '@helix/contract/dialects/chat'
import { emptyQuestion, type Question } from '../question.ts'
import { readChatMessages } from './chat-messages.ts'
import { thinkingOfEffort } from './effort.ts'
import { checkPairs } from './pairing.ts'
import { given, parseBody, refuse } from './parse.ts'
import { ToolNames } from './tools.ts'

/** What another provider has nothing like, and what leaving it out would change the answer by. */
function refuseForeign(body: ChatRequest): void {
  if ((body.n ?? 1) > 1) refuse('n', 'this provider gives one answer at a time: ask again for another')
  if (body.logprobs) refuse('logprobs', 'this provider does not tell probabilities')
  if (Object.keys(body.logit_bias ?? {}).length > 0) refuse('logit_bias', 'tokens of this provider are others')
  if (body.audio || body.modalities?.some((modality) => modality !== 'text')) refuse('modalities', 'this provider answers in text here')
  if (body.web_search_options) refuse('web_search_options', 'the search of OpenAI is not at this provider')
  if (body.functions || body.function_call) refuse('functions', 'is the old form: send tools and tool_choice')
}

function addTool(names: ToolNames, tool: ChatTool, field: string): void {
  if (tool.type === 'function') {
    const { name, description, parameters, strict } = tool.function
    names.add(field, {
      kind: 'function',
      name,
      namespace: null,
      description: description ?? null,
      schema: parameters ?? null,
      strict: strict ?? null,
    })
    return
  }
  const { name, description, format } = tool.custom
  const rule = format?.grammar ? `\nThe input must match this ${format.grammar.syntax} grammar:\n${format.grammar.definition}` : ''
  names.add(field, { kind: 'custom', name, namespace: null, description: `${description ?? ''}${rule}`, schema: null, strict: null })
}

function choiceOf(choice: ChatRequest['tool_choice'], names: ToolNames): Question['toolChoice'] {
  if (!choice) return null
  if (typeof choice === 'string') return { type: choice }
  const { name } = choice.type === 'function' ? choice.function : choice.custom
  return names.chosen('tool_choice', { name, namespace: null })
}

function formatOf(format: ChatRequest['response_format']): Question['format'] {
  if (!format || format.type === 'text') return null
  if (format.type === 'json_object') return { type: 'json' }
  const { name, description, schema } = format.json_schema
  return { type: 'json', name, ...given({ description, schema }) }
}

/** Reads a request of Chat Completions. Throws `invalid_request` naming the field. */
export function readChat(given_: Readonly<Record<string, unknown>>): Question {
  const body = parseBody(chatRequest, given_)
  refuseForeign(body)
  const names = new ToolNames()
  for (const [index, tool] of (body.tools ?? []).entries()) addTool(names, tool, `tools[${index}]`)
  const { prompt } = readChatMessages(body.messages)
  checkPairs(prompt, 'messages')
  const { temperature, top_p: topP, presence_penalty: presencePenalty, frequency_penalty: frequencyPenalty, seed } = body
  return {
    ...emptyQuestion,
    prompt,
    maxOutputTokens: body.max_completion_tokens ?? body.max_tokens ?? null,
    sampling: given({ temperature, topP, presencePenalty, frequencyPenalty, seed }),
    stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? []),
    format: formatOf(body.response_format),
    tools: names.tools,
    toolChoice: choiceOf(body.tool_choice, names),
    parallelCalls: body.parallel_tool_calls ?? null,
    thinking: thinkingOfEffort(body.reasoning_effort, false),
    clientTools: names.clientTools,
    usageChunk: body.stream_options?.include_usage === true,
  }
}
