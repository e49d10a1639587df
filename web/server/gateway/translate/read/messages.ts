import { type MessagesRequest, type MessagesTool, messagesRequest } from '@helix/contract/dialects/messages'
import { emptyQuestion, type Question, type Thinking } from '../question.ts'
import { cacheHint } from './cache.ts'
import { HostedTools } from './hosted.ts'
import { readMessagesTurns } from './messages-blocks.ts'
import { checkPairs } from './pairing.ts'
import { given, parseBody, refuse } from './parse.ts'
import { ToolNames } from './tools.ts'
import { Turns } from './turns.ts'

/** Tools that Anthropic runs itself; those it only knows the schema of are the client’s own, and no other model knows them. */
const hosted = /^(web_search|web_fetch|code_execution|tool_search|advisor)_/

function addTool(names: ToolNames, others: HostedTools, tool: MessagesTool, field: string): void {
  const { type, name, description, input_schema: schema, strict } = tool
  if (type && type !== 'custom') {
    if (!hosted.test(type)) refuse(`${field}.type`, `only Claude knows the tool "${type}": describe it with an input_schema`)
    others.add(field, type)
    return
  }
  if (schema === undefined) refuse(`${field}.input_schema`, 'is missing')
  const hint = cacheHint(tool.cache_control)
  names.add(field, { kind: 'function', name, namespace: null, description: description ?? null, schema, strict: strict ?? null, ...hint })
}

function choiceOf(choice: MessagesRequest['tool_choice'], names: ToolNames): Question['toolChoice'] {
  if (!choice) return null
  if (choice.type === 'any') return { type: 'required' }
  if (choice.type !== 'tool') return { type: choice.type }
  return names.chosen('tool_choice.name', { name: choice.name ?? '', namespace: null })
}

function thinkingOf({ thinking, output_config: config }: MessagesRequest): Thinking | null {
  if (thinking?.type === 'disabled') return { off: true }
  const effort = config?.effort ?? null
  if (!thinking && effort === null) return null
  const budgetTokens = thinking?.type === 'enabled' ? (thinking.budget_tokens ?? null) : null
  return { off: false, effort, budgetTokens, shown: thinking !== undefined && thinking !== null }
}

function refuseForeign(body: MessagesRequest): void {
  if ((body.mcp_servers ?? []).length > 0) refuse('mcp_servers', 'only Anthropic calls MCP servers itself')
  if (body.container) refuse('container', 'only Anthropic has containers')
}

/** Reads a request of Anthropic’s Messages. Throws `invalid_request` naming the field. */
export function readMessages(raw: Readonly<Record<string, unknown>>): Question {
  const body = parseBody(messagesRequest, raw)
  refuseForeign(body)
  const names = new ToolNames()
  const others = new HostedTools()
  for (const [index, tool] of (body.tools ?? []).entries()) addTool(names, others, tool, `tools[${index}]`)
  others.refuseAlone(names)
  const turns = new Turns()
  const system = typeof body.system === 'string' ? [{ text: body.system, cache_control: null }] : (body.system ?? [])
  for (const { text, cache_control } of system) turns.system(text, cacheHint(cache_control).providerOptions)
  readMessagesTurns(turns, body.messages)
  checkPairs(turns.prompt, 'messages')
  const schema = body.output_config?.format?.schema ?? body.output_format?.schema
  const alone = body.tool_choice?.disable_parallel_tool_use
  return {
    ...emptyQuestion,
    prompt: turns.prompt,
    maxOutputTokens: body.max_tokens ?? null,
    sampling: given({ temperature: body.temperature, topP: body.top_p, topK: body.top_k }),
    stop: body.stop_sequences ?? [],
    format: schema ? { type: 'json', schema } : null,
    tools: names.tools,
    toolChoice: choiceOf(body.tool_choice, names),
    parallelCalls: alone === undefined ? null : !alone,
    thinking: thinkingOf(body),
    clientTools: names.clientTools,
  }
}
