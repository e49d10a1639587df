/** In which words an agent asks the script. */
export type DemoDialect = 'openai' | 'anthropic'

/** The demo script's view of a request, the same for both dialects. */
export interface Conversation {
  /** The tool that runs shell commands, and which of its parameters takes the command; null for a request without one. */
  shell: { name: string; parameter: string; required: string[] } | null
  /** What people and Helix said, and what tools answered, in order. */
  entries: { from: 'user' | 'tool'; text: string }[]
}

interface Schema {
  properties?: Record<string, { type?: string }>
  required?: string[]
}

interface AnyTool {
  name?: string
  input_schema?: Schema
  function?: { name?: string; parameters?: Schema }
}

interface AnyMessage {
  role?: string
  content?: unknown
}

interface Block {
  type?: string
  text?: string
  content?: unknown
}

const shellNames = /(^|_)(shell|bash|terminal|run_?command|execute_?command)$/i

function findShell(tools: unknown): Conversation['shell'] {
  if (!Array.isArray(tools)) return null
  const known = (tools as AnyTool[]).flatMap((tool) => {
    const name = tool.name ?? tool.function?.name
    const schema = tool.input_schema ?? tool.function?.parameters
    const parameter = ['command', 'cmd', 'script'].find((key) => schema?.properties?.[key]?.type === 'string')
    return name === undefined || parameter === undefined ? [] : [{ name, parameter, required: schema?.required ?? [] }]
  })
  return known.find(({ name }) => shellNames.test(name)) ?? known[0] ?? null
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return (content as Block[]).map((block) => block.text ?? textOf(block.content)).join('\n')
}

/** What agents add to messages by themselves is not said by anyone. */
function saidBySomeone(text: string): string {
  return text.replace(/<(system-reminder|info-msg)>[\s\S]*?<\/\1>/g, '').trim()
}

function entriesOf(message: AnyMessage): Conversation['entries'] {
  if (message.role === 'tool') return [{ from: 'tool', text: textOf(message.content) }]
  if (message.role !== 'user') return []
  const blocks: Block[] = Array.isArray(message.content)
    ? (message.content as Block[])
    : [{ type: 'text', text: String(message.content ?? '') }]
  const results = blocks
    .filter((block) => block.type === 'tool_result')
    .map((block) => ({ from: 'tool' as const, text: textOf(block.content) }))
  const said = saidBySomeone(textOf(blocks.filter((block) => block.type !== 'tool_result')))
  return said === '' ? results : [...results, { from: 'user', text: said }]
}

export function readConversation(_dialect: DemoDialect, body: { tools?: unknown; messages?: unknown }): Conversation {
  const messages = Array.isArray(body.messages) ? (body.messages as AnyMessage[]) : []
  return { shell: findShell(body.tools), entries: messages.flatMap(entriesOf) }
}
