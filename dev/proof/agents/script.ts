import { plainScript, type Request, type Script, type Seen } from '@helix/web/server/gateway/testing/script.ts'

export const fileName = 'proof.txt'
export const content = 'Grüße from the other dialect'
export const lastWords = 'The file is written.'

interface Schema {
  type?: string
  properties?: Record<string, { type?: string | string[] }>
  required?: string[]
}

interface Tool {
  name: string
  schema: Schema
}

/** The tools of a request in whatever way the vendor has them. */
function toolsOf({ tools, toolConfig }: Record<string, unknown>): Tool[] {
  const all = (tools ?? (toolConfig as { tools?: unknown } | undefined)?.tools ?? []) as Record<string, unknown>[]
  return all.flatMap((tool) => {
    const declared = (tool.functionDeclarations ?? [tool.function ?? tool.toolSpec ?? tool]) as Record<string, unknown>[]
    return declared.map((one) => {
      const input = one.inputSchema as { json?: Schema } | undefined
      return {
        name: String(one.name),
        schema: (one.parameters ?? one.parametersJsonSchema ?? one.input_schema ?? input?.json ?? {}) as Schema,
      }
    })
  })
}

const shellNames = /^(bash|shell|exec_command|run_shell_command|developer__shell|shell_command)$/i

/** The agent’s own tool that runs commands, and what it wants to be told. */
function shellCall(tools: readonly Tool[], command: string): { name: string; input: Record<string, unknown> } | null {
  const shell = tools.find(({ name }) => shellNames.test(name))
  if (shell === undefined) return null
  const { properties = {}, required = [] } = shell.schema
  const key = ['command', 'cmd', 'script'].find((name) => properties[name] !== undefined) ?? 'command'
  const list = [properties[key]?.type].flat().some((type) => type?.toLowerCase() === 'array')
  const others = required.filter((name) => name !== key).map((name) => [name, otherValue(properties[name]?.type)])
  return { name: shell.name, input: { ...Object.fromEntries(others), [key]: list ? ['bash', '-c', command] : command } }
}

const otherValue = (type: string | string[] | undefined): unknown => {
  const [first = 'string'] = [type].flat()
  if (first?.toLowerCase() === 'boolean') return false
  return first?.toLowerCase() === 'string' ? 'proof' : 1
}

/** A model that writes one file by the agent’s shell, and says so when it is done. */
export function model(seen: Seen, request: Request): Script {
  const call = shellCall(toolsOf(request.body), `printf %s '${content}' > ${fileName} && cat ${fileName}`)
  if (call === null) return { ...plainScript, text: 'A title' }
  if (seen.results.some(({ text }) => text.includes(content))) return { ...plainScript, text: lastWords }
  if (seen.results.length > 2) return { ...plainScript, text: `It did not work: ${seen.results.at(-1)?.text}` }
  return {
    ...plainScript,
    thought: 'A file is wanted.',
    text: 'I write it.',
    stop: 'calls',
    calls: [{ id: `call_${seen.results.length}`, ...call }],
  }
}
