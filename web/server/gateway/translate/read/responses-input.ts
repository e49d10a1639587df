import type { ResponsesContent, ResponsesItem, ResponsesToolOutput } from '@helix/contract/dialects/responses'
import { unwrap } from '../carry.ts'
import { parseArguments } from './arguments.ts'
import { filePart, filePartOfUrl } from './files.ts'
import { refuse } from './parse.ts'
import { ToolNames } from './tools.ts'
import type { AssistantPart, ResultPart, Turns, UserPart } from './turns.ts'

type Of<Type extends ResponsesItem['type']> = Extract<ResponsesItem, { type: Type }>

function userPart(part: ResponsesContent, field: string): UserPart {
  switch (part.type) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'input_audio':
      return filePart(`${field}.input_audio.data`, part.input_audio.format === 'mp3' ? 'audio/mpeg' : 'audio/wav', part.input_audio.data)
    case 'input_image':
      return part.image_url ? filePartOfUrl(`${field}.image_url`, part.image_url, 'image') : withoutFile(field)
    case 'input_file': {
      const url = part.file_data ?? part.file_url
      return url ? filePartOfUrl(field, url, 'application/pdf', part.filename) : withoutFile(field)
    }
  }
}

function withoutFile(field: string): never {
  return refuse(field, 'an id of a file leads nowhere at another provider: send the file itself')
}

function outputOf(output: ResponsesToolOutput, field: string): ResultPart['output'] {
  if (typeof output === 'string') return { type: 'text', value: output }
  const value = output.map((piece, index) => userPart(piece, `${field}.output[${index}]`))
  const texts = value.flatMap((piece) => (piece.type === 'text' ? [piece.text] : []))
  return texts.length === value.length ? { type: 'text', value: texts.join('\n') } : { type: 'content', value }
}

function reasoningPart(item: Of<'reasoning'>): AssistantPart | null {
  const pieces = item.summary?.length ? item.summary : (item.content ?? [])
  const text = pieces.map((piece) => piece.text).join('\n\n')
  const providerOptions = unwrap(item.encrypted_content)
  if (text === '' && providerOptions === undefined) return null
  return { type: 'reasoning', text, ...(providerOptions ? { providerOptions } : {}) }
}

function addMessage(turns: Turns, item: Of<'message'>, field: string): void {
  const content: ResponsesContent[] = typeof item.content === 'string' ? [{ type: 'input_text', text: item.content }] : item.content
  const parts = content.map((part, index) => userPart(part, `${field}.content[${index}]`))
  if (item.role === 'user') turns.user(...parts)
  else if (item.role === 'assistant') turns.assistant(...parts.filter((part) => part.type !== 'text' || part.text !== ''))
  else turns.system(parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n'))
}

/** Signatures of calls stand before the call, in a reasoning item of their own. */
class Signatures {
  private signed: ReturnType<typeof unwrap>

  take(item: ResponsesItem): boolean {
    const marked = item.type === 'reasoning' ? unwrap(item.encrypted_content) : undefined
    if (marked?.helix === undefined) return false
    const { helix: _, ...rest } = marked
    this.signed = rest
    return true
  }

  give(): { providerOptions?: NonNullable<ReturnType<typeof unwrap>> } {
    const { signed } = this
    this.signed = undefined
    return signed === undefined ? {} : { providerOptions: signed }
  }
}

export function readResponsesItems(turns: Turns, items: readonly ResponsesItem[]): void {
  const signatures = new Signatures()
  for (const [index, item] of items.entries()) {
    const field = `input[${index}]`
    if (signatures.take(item)) continue
    if (item.type === 'message') addMessage(turns, item, field)
    else if (item.type === 'function_call' || item.type === 'custom_tool_call') {
      const input = item.type === 'function_call' ? parseArguments(`${field}.arguments`, item.arguments) : { input: item.input }
      const toolName = ToolNames.outward({ name: item.name, namespace: item.namespace ?? null })
      turns.assistant({ type: 'tool-call', toolCallId: item.call_id, toolName, input, ...signatures.give() })
    } else if (item.type === 'function_call_output' || item.type === 'custom_tool_call_output') {
      turns.result({ toolCallId: item.call_id, output: outputOf(item.output, field) })
    } else if (item.type === 'item_reference') {
      // Of thoughts the answer can do without; all else would be missing from the conversation.
      if (!item.id.startsWith('rs_')) refuse(field, 'responses are not stored here: send the item itself, with store false')
    } else if (item.type === 'reasoning') {
      const part = reasoningPart(item)
      if (part !== null) turns.assistant(part)
    }
  }
}
