import type { GenerateContent, GeneratePart } from '@helix/contract/dialects/generate'
import { unwrap } from '../carry.ts'
import { filePart, filePartOfUrl } from './files.ts'
import { refuse } from './parse.ts'
import { ToolNames } from './tools.ts'
import type { AssistantPart, ResultPart, Turns, UserPart } from './turns.ts'

/** Google’s calls may have no id: they are answered by name, in order. The ids made here are the same each time, for caches’ sake. */
class CallIds {
  private readonly open: { id: string; name: string }[] = []
  private count = 0

  called(name: string, id: string | null | undefined): string {
    const chosen = id || `call_${this.count}_${name.slice(0, 20)}`
    this.count++
    this.open.push({ id: chosen, name })
    return chosen
  }

  answered(name: string, id: string | null | undefined, field: string): string {
    const index = this.open.findIndex((call) => (id ? call.id === id : call.name === name))
    const [call] = index < 0 ? [] : this.open.splice(index, 1)
    return call?.id ?? refuse(`${field}.functionResponse`, `answers no functionCall of "${name}" that stands before it`)
  }
}

function signatureOf(part: GeneratePart): { providerOptions?: NonNullable<ReturnType<typeof unwrap>> } {
  if (!part.thoughtSignature) return {}
  const decoded = Buffer.from(part.thoughtSignature, 'base64').toString('utf8')
  return { providerOptions: unwrap(decoded) ?? { google: { thoughtSignature: part.thoughtSignature } } }
}

function filesOf(part: GeneratePart, field: string): Extract<UserPart, { type: 'file' }> | null {
  if (part.inlineData) return filePart(`${field}.inlineData.data`, part.inlineData.mimeType, part.inlineData.data)
  if (part.fileData) return filePartOfUrl(`${field}.fileData.fileUri`, part.fileData.fileUri, part.fileData.mimeType ?? 'image')
  return null
}

function outputOf(response: NonNullable<GeneratePart['functionResponse']>, field: string): ResultPart['output'] {
  const said = response.response ?? {}
  const keys = Object.keys(said)
  const [key] = keys
  const only = keys.length === 1 && key !== undefined && typeof said[key] === 'string' ? (said[key] as string) : null
  const files = (response.parts ?? []).map((part, index) => filesOf(part as GeneratePart, `${field}.functionResponse.parts[${index}]`))
  const text = only !== null && ['output', 'error', 'result', 'content'].includes(key ?? '') ? only : JSON.stringify(said)
  if (files.length === 0) return { type: key === 'error' && only !== null ? 'error-text' : 'text', value: text }
  return { type: 'content', value: [{ type: 'text', text }, ...files.filter((file) => file !== null)] }
}

function modelPart(part: GeneratePart, ids: CallIds, field: string): AssistantPart | null {
  if (part.functionCall) {
    const { id, name, args } = part.functionCall
    const toolCallId = ids.called(name, id)
    return {
      type: 'tool-call',
      toolCallId,
      toolName: ToolNames.outward({ name, namespace: null }),
      input: args ?? {},
      ...signatureOf(part),
    }
  }
  if (part.executableCode || part.codeExecutionResult) return null
  const file = filesOf(part, field)
  if (file !== null) return file
  if (part.thought) return { type: 'reasoning', text: part.text ?? '', ...signatureOf(part) }
  return part.text ? { type: 'text', text: part.text, ...signatureOf(part) } : null
}

function addUser(turns: Turns, part: GeneratePart, ids: CallIds, field: string): void {
  if (part.functionResponse) {
    const { name, id } = part.functionResponse
    turns.result({ toolCallId: ids.answered(name, id, field), output: outputOf(part.functionResponse, field) })
    return
  }
  const file = filesOf(part, field)
  if (file !== null) turns.user(file)
  else if (part.text) turns.user({ type: 'text', text: part.text })
}

export function readContents(turns: Turns, contents: readonly GenerateContent[]): void {
  const ids = new CallIds()
  for (const [index, { role, parts }] of contents.entries()) {
    for (const [at, part] of (parts ?? []).entries()) {
      const field = `contents[${index}].parts[${at}]`
      if (role !== 'model') addUser(turns, part, ids, field)
      else {
        const said = modelPart(part, ids, field)
        if (said !== null) turns.assistant(said)
      }
    }
  }
}
