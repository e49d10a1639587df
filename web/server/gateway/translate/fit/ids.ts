import { createHash } from 'node:crypto'
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'

/** OpenAI’s limit; Anthropic’s is the alphabet. */
const longestId = 40

/** The same id always becomes the same. */
export function fitId(id: string): string {
  const plain = id.replace(/[^a-zA-Z0-9_-]/g, '_')
  if (plain === id && id.length <= longestId) return id
  return `${plain.slice(0, longestId - 17)}_${createHash('sha256').update(id).digest('hex').slice(0, 16)}`
}

/** Ids of calls come from any provider, and each has its own rule for them. */
export function fitIds(prompt: LanguageModelV4Prompt): LanguageModelV4Prompt {
  return prompt.map((message) => {
    if (message.role === 'assistant') {
      const content = message.content.map((part) => (part.type === 'tool-call' ? { ...part, toolCallId: fitId(part.toolCallId) } : part))
      return { ...message, content }
    }
    if (message.role !== 'tool') return message
    const content = message.content.map((part) => (part.type === 'tool-result' ? { ...part, toolCallId: fitId(part.toolCallId) } : part))
    return { ...message, content }
  })
}
