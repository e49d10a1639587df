import { createHash } from 'node:crypto'
import type { JSONSchema7, LanguageModelV4FunctionTool } from '@ai-sdk/provider'
import type { ClientTool, Question } from '../question.ts'
import { given, refuse } from './parse.ts'

/** Of every provider’s rule the narrowest. */
const longestName = 64

function fitting(name: string): string {
  const plain = name.replace(/[^a-zA-Z0-9_-]/g, '_')
  if (plain.length <= longestName && plain === name) return name
  const mark = createHash('sha256').update(name).digest('hex').slice(0, 8)
  return `${plain.slice(0, longestName - 9)}_${mark}`
}

export interface ToolSaid extends ClientTool {
  description: string | null
  schema: Record<string, unknown> | null
  strict: boolean | null
  providerOptions?: LanguageModelV4FunctionTool['providerOptions']
}

/** What a custom tool takes is free text, which no other dialect has: a function with one text takes its place. */
const customSchema: JSONSchema7 = {
  type: 'object',
  properties: { input: { type: 'string', description: 'The whole input of the tool, as plain text.' } },
  required: ['input'],
  additionalProperties: false,
}

/** The tools a client says, under names that every provider takes, and the way back from a name. */
export class ToolNames {
  readonly tools: LanguageModelV4FunctionTool[] = []
  readonly clientTools = new Map<string, ClientTool>()

  /** The name towards the provider. */
  static outward({ name, namespace }: Pick<ClientTool, 'name' | 'namespace'>): string {
    if (namespace === null) return fitting(name)
    return fitting(namespace.endsWith('__') ? `${namespace}${name}` : `${namespace}__${name}`)
  }

  add(field: string, said: ToolSaid): void {
    const name = ToolNames.outward(said)
    if (this.clientTools.has(name)) refuse(field, `two tools are called "${name}"`)
    this.clientTools.set(name, { kind: said.kind, name: said.name, namespace: said.namespace })
    this.tools.push({
      type: 'function',
      name,
      inputSchema: said.kind === 'custom' ? customSchema : withType(said.schema),
      ...given({ description: said.description, strict: said.strict, providerOptions: said.providerOptions }),
    })
  }

  /** Throws `invalid_request` when a tool is to be called that is not among the tools. */
  chosen(field: string, tool: Pick<ClientTool, 'name' | 'namespace'>): NonNullable<Question['toolChoice']> {
    const toolName = ToolNames.outward(tool)
    if (!this.clientTools.has(toolName)) refuse(field, `"${tool.name}" is not among the tools`)
    return { type: 'tool', toolName }
  }
}

function withType(schema: Record<string, unknown> | null): JSONSchema7 {
  if (schema === null || Object.keys(schema).length === 0) return { type: 'object', properties: {} }
  return (schema.type === undefined ? { type: 'object', ...schema } : schema) as JSONSchema7
}
