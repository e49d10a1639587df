import type { ChatMessage } from '@helix/contract/dialects/chat'
import { parseArguments } from './arguments.ts'
import { cacheHint } from './cache.ts'
import { filePart, filePartOfUrl } from './files.ts'
import { refuse } from './parse.ts'
import { ToolNames } from './tools.ts'
import { type AssistantPart, Turns, type UserPart } from './turns.ts'

type Of<Role extends ChatMessage['role']> = Extract<ChatMessage, { role: Role }>
type UserContent = Exclude<Of<'user'>['content'], string>[number]

function textOf(content: string | readonly { text: string }[]): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('\n')
}

function userPart(part: UserContent, field: string): UserPart {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...cacheHint(part.cache_control) }
    case 'image_url':
      return filePartOfUrl(`${field}.image_url.url`, part.image_url.url, 'image')
    case 'input_audio':
      return filePart(`${field}.input_audio.data`, part.input_audio.format === 'mp3' ? 'audio/mpeg' : 'audio/wav', part.input_audio.data)
    case 'file': {
      const { file_data, filename } = part.file
      if (!file_data) return refuse(`${field}.file`, 'a file must carry file_data: ids of files lead nowhere at another provider')
      return filePartOfUrl(`${field}.file.file_data`, file_data, 'application/pdf', filename)
    }
  }
}

function assistantParts(message: Of<'assistant'>, field: string): AssistantPart[] {
  const parts: AssistantPart[] = []
  if (message.reasoning_content) parts.push({ type: 'reasoning', text: message.reasoning_content })
  const content = message.content ?? ''
  const texts = typeof content === 'string' ? [content] : content.map((part) => (part.type === 'text' ? part.text : part.refusal))
  for (const text of [...texts, message.refusal ?? '']) if (text !== '') parts.push({ type: 'text', text })
  for (const [index, call] of (message.tool_calls ?? []).entries()) {
    const at = `${field}.tool_calls[${index}]`
    const { name } = call.type === 'function' ? call.function : call.custom
    const input =
      call.type === 'function' ? parseArguments(`${at}.function.arguments`, call.function.arguments) : { input: call.custom.input }
    const signature = call.type === 'function' ? call.extra_content?.google?.thought_signature : null
    const signed = signature ? { providerOptions: { google: { thoughtSignature: signature } } } : {}
    parts.push({ type: 'tool-call', toolCallId: call.id, toolName: ToolNames.outward({ name, namespace: null }), input, ...signed })
  }
  return parts
}

function addResult(turns: Turns, message: Of<'tool'>, field: string): void {
  const { content } = message
  const value =
    typeof content === 'string'
      ? null
      : content.map((part, index) =>
          part.type === 'text'
            ? { type: 'text' as const, text: part.text }
            : filePartOfUrl(`${field}.content[${index}].image_url.url`, part.image_url.url, 'image'),
        )
  turns.result({
    toolCallId: message.tool_call_id,
    output: value === null ? { type: 'text', value: content as string } : { type: 'content', value },
  })
}

export function readChatMessages(messages: readonly ChatMessage[]): Turns {
  const turns = new Turns()
  for (const [index, message] of messages.entries()) {
    const field = `messages[${index}]`
    if (message.role === 'system' || message.role === 'developer') turns.system(textOf(message.content))
    else if (message.role === 'assistant') turns.assistant(...assistantParts(message, field))
    else if (message.role === 'tool') addResult(turns, message, field)
    else if (typeof message.content === 'string') turns.user({ type: 'text', text: message.content })
    else turns.user(...message.content.map((part, at) => userPart(part, `${field}.content[${at}]`)))
  }
  return turns
}
