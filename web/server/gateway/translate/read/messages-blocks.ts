import type { MessagesBlock, MessagesMessage, MessagesResultContent, MessagesSource } from '@helix/contract/dialects/messages'
import { unwrap } from '../carry.ts'
import { cacheHint } from './cache.ts'
import { filePart, filePartOfUrl, isPlainText, textOfBase64 } from './files.ts'
import { refuse } from './parse.ts'
import { ToolNames } from './tools.ts'
import type { AssistantPart, ResultPart, Turns, UserPart } from './turns.ts'

type Of<Type extends MessagesBlock['type']> = Extract<MessagesBlock, { type: Type }>
type ResultPiece = Exclude<MessagesResultContent, string>[number]

function textOfSource(source: MessagesSource): string | null {
  if (source.type === 'text') return source.data
  if (source.type === 'content')
    return typeof source.content === 'string' ? source.content : source.content.map(({ text }) => text).join('\n')
  if (source.type === 'base64' && isPlainText(source.media_type)) return textOfBase64(source.data)
  return null
}

function fileOf(block: Of<'image'> | Of<'document'>, field: string): UserPart {
  const { source } = block
  const expected = block.type === 'image' ? 'image' : 'application/pdf'
  const title = block.type === 'document' ? block.title : null
  const text = textOfSource(source)
  // Only Claude has documents of plain text: elsewhere they are text, under their title.
  if (text !== null) return { type: 'text', text: title ? `${title}\n\n${text}` : text }
  if (source.type === 'base64') return filePart(`${field}.source.data`, source.media_type, source.data, title)
  if (source.type === 'url') return filePartOfUrl(`${field}.source.url`, source.url, expected, title)
  return refuse(`${field}.source`, 'an id of a file leads nowhere at another provider: send the file itself')
}

function userPart(block: MessagesBlock, field: string): UserPart {
  if (block.type === 'text') return { type: 'text', text: block.text, ...cacheHint(block.cache_control) }
  if (block.type === 'image' || block.type === 'document') return { ...fileOf(block, field), ...cacheHint(block.cache_control) }
  return refuse(`${field}.type`, `a user does not say "${block.type}"`)
}

function resultPiece(piece: ResultPiece, field: string): Extract<ResultPart['output'], { type: 'content' }>['value'][number] {
  if (piece.type === 'text') return { type: 'text', text: piece.text }
  if (piece.type === 'tool_reference') return { type: 'text', text: `The tool ${piece.tool_name} is ready to be called.` }
  const file = fileOf(piece, field)
  return file.type === 'text' ? { type: 'text', text: file.text } : file
}

function outputOf(block: Of<'tool_result'>, field: string): ResultPart['output'] {
  const { content, is_error: failed } = block
  if (typeof content === 'string' || !content) return { type: failed ? 'error-text' : 'text', value: content ?? '' }
  const pieces = content.map((piece, index) => resultPiece(piece, `${field}.content[${index}]`))
  const texts = pieces.flatMap((piece) => (piece.type === 'text' ? [piece.text] : []))
  if (texts.length === pieces.length) return { type: failed ? 'error-text' : 'text', value: texts.join('\n') }
  return { type: 'content', value: pieces }
}

function assistantPart(block: MessagesBlock, field: string): AssistantPart | null {
  switch (block.type) {
    case 'text':
      return block.text === '' ? null : { type: 'text', text: block.text, ...cacheHint(block.cache_control) }
    case 'thinking': {
      const providerOptions = unwrap(block.signature) ?? (block.signature ? { anthropic: { signature: block.signature } } : undefined)
      return { type: 'reasoning', text: block.thinking, ...(providerOptions ? { providerOptions } : {}) }
    }
    case 'redacted_thinking':
      return { type: 'reasoning', text: '', providerOptions: unwrap(block.data) ?? { anthropic: { redactedData: block.data } } }
    case 'tool_use': {
      const { id, name, input } = block
      if (typeof input !== 'object' || input === null || Array.isArray(input)) return refuse(`${field}.input`, 'is not a JSON object')
      return {
        type: 'tool-call',
        toolCallId: id,
        toolName: ToolNames.outward({ name, namespace: null }),
        input,
        ...cacheHint(block.cache_control),
      }
    }
    default:
      return refuse(`${field}.type`, `an assistant does not say "${block.type}"`)
  }
}

function addAssistant(turns: Turns, blocks: readonly MessagesBlock[], field: string): void {
  const parts: AssistantPart[] = []
  let signed: ReturnType<typeof unwrap>
  for (const [index, block] of blocks.entries()) {
    const marked = block.type === 'redacted_thinking' ? unwrap(block.data) : undefined
    // A signature that belongs to the call behind it.
    if (marked?.helix !== undefined) {
      const { helix: _, ...rest } = marked
      signed = rest
      continue
    }
    const part = assistantPart(block, `${field}[${index}]`)
    if (part === null) continue
    if (part.type === 'tool-call' && signed !== undefined) {
      part.providerOptions = { ...part.providerOptions, ...signed }
      signed = undefined
    }
    parts.push(part)
  }
  turns.assistant(...parts)
}

function addUser(turns: Turns, blocks: readonly MessagesBlock[], field: string): void {
  for (const [index, block] of blocks.entries()) {
    const at = `${field}[${index}]`
    if (block.type !== 'tool_result') turns.user(userPart(block, at))
    else turns.result({ toolCallId: block.tool_use_id, output: outputOf(block, at), ...cacheHint(block.cache_control) })
  }
}

export function readMessagesTurns(turns: Turns, messages: readonly MessagesMessage[]): void {
  for (const [index, { role, content }] of messages.entries()) {
    const blocks: MessagesBlock[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    const field = `messages[${index}].content`
    if (role === 'assistant') addAssistant(turns, blocks, field)
    else if (role === 'user') addUser(turns, blocks, field)
    else turns.system(blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n'))
  }
}
