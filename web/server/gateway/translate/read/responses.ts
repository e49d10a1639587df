import { type ResponsesOwnTool, type ResponsesRequest, responsesRequest } from '@helix/contract/dialects/responses'
import { emptyQuestion, type Question } from '../question.ts'
import { thinkingOfEffort } from './effort.ts'
import { HostedTools } from './hosted.ts'
import { checkPairs } from './pairing.ts'
import { given, parseBody, refuse } from './parse.ts'
import { readResponsesItems } from './responses-input.ts'
import { ToolNames } from './tools.ts'
import { Turns } from './turns.ts'

type Tool = NonNullable<ResponsesRequest['tools']>[number]

/** What the model may not go without. */
const clientSide = /^(local_shell|shell|apply_patch|computer.*)$/

function addOwn(names: ToolNames, tool: ResponsesOwnTool, namespace: string | null, field: string): void {
  const { name, description = null } = tool
  if (tool.type === 'function') {
    names.add(field, { kind: 'function', name, namespace, description, schema: tool.parameters ?? null, strict: tool.strict ?? null })
    return
  }
  const { format } = tool
  const rule = format?.definition ? `\nThe input must match this ${format.syntax ?? ''} grammar:\n${format.definition}` : ''
  names.add(field, { kind: 'custom', name, namespace, description: `${description ?? ''}${rule}`, schema: null, strict: null })
}

function addTool(names: ToolNames, others: HostedTools, tool: Tool, field: string): void {
  if ('tools' in tool) {
    for (const [index, own] of tool.tools.entries()) addOwn(names, own, tool.name, `${field}.tools[${index}]`)
  } else if ('name' in tool) addOwn(names, tool, null, field)
  else if (clientSide.test(tool.type))
    refuse(`${field}.type`, `only OpenAI’s models know the tool "${tool.type}": describe it as a function`)
  else others.add(field, tool.type)
}

function choiceOf(choice: ResponsesRequest['tool_choice'], names: ToolNames): Question['toolChoice'] {
  if (!choice) return null
  if (typeof choice === 'string') return { type: choice }
  if (choice.type === 'allowed_tools') return refuse('tool_choice', 'allowed_tools is not carried: send only the tools that are allowed')
  return names.chosen('tool_choice', { name: choice.name ?? choice.type, namespace: choice.namespace ?? null })
}

function formatOf(text: ResponsesRequest['text']): Question['format'] {
  const format = text?.format
  if (!format || format.type === 'text') return null
  if (format.type === 'json_object') return { type: 'json' }
  return { type: 'json', schema: format.schema, ...given({ name: format.name, description: format.description }) }
}

function refuseForeign(body: ResponsesRequest): void {
  const stored = 'responses are not stored here: send the whole input each time, with store false'
  if (body.previous_response_id) refuse('previous_response_id', stored)
  if (body.conversation) refuse('conversation', stored)
  if (body.background) refuse('background', 'answers are given at once here')
  if (body.prompt) refuse('prompt', 'prompts kept at OpenAI are not at this provider')
  if (body.top_logprobs) refuse('top_logprobs', 'this provider does not tell probabilities')
}

/** Reads a request of OpenAI’s Responses. Throws `invalid_request` naming the field. */
export function readResponses(raw: Readonly<Record<string, unknown>>): Question {
  const body = parseBody(responsesRequest, raw)
  refuseForeign(body)
  const names = new ToolNames()
  const others = new HostedTools()
  for (const [index, tool] of (body.tools ?? []).entries()) addTool(names, others, tool, `tools[${index}]`)
  others.refuseAlone(names)
  const turns = new Turns()
  turns.system(body.instructions ?? '')
  if (typeof body.input === 'string') turns.user({ type: 'text', text: body.input })
  else readResponsesItems(turns, body.input)
  if (turns.prompt.length === 0) refuse('input', 'is empty')
  checkPairs(turns.prompt, 'input')
  return {
    ...emptyQuestion,
    prompt: turns.prompt,
    maxOutputTokens: body.max_output_tokens ?? null,
    sampling: given({ temperature: body.temperature, topP: body.top_p }),
    format: formatOf(body.text),
    tools: names.tools,
    toolChoice: choiceOf(body.tool_choice, names),
    parallelCalls: body.parallel_tool_calls ?? null,
    thinking: thinkingOfEffort(body.reasoning?.effort, Boolean(body.reasoning?.summary)),
    verbosity: body.text?.verbosity ?? null,
    clientTools: names.clientTools,
  }
}
