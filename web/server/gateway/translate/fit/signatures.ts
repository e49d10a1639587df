import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Family } from '../models/family.ts'

/** The library sends Google’s signatures of calls to any OpenAI-compatible server: only Gemini’s own takes the field. */
export function fitSignatures(prompt: LanguageModelV4Prompt, family: Family, model: string): LanguageModelV4Prompt {
  if (family !== 'compatible' || /gemini/i.test(model)) return prompt
  return prompt.map((message) => {
    if (message.role !== 'assistant') return message
    const content = message.content.map((part) => {
      if (part.type !== 'tool-call') return part
      const { providerOptions: _, ...bare } = part
      return bare
    })
    return { ...message, content }
  })
}
