import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Family } from '../models/family.ts'
import type { ResultPart, UserPart } from '../read/turns.ts'

/** Who takes pictures and documents inside the result of a tool. */
function takesFiles(family: Family, model: string): boolean {
  if (family === 'google') return /gemini-([3-9]|\d\d)/.test(model)
  return family === 'claude' || family === 'openai_responses' || family === 'bedrock'
}

function asText(result: ResultPart, files: UserPart[]): ResultPart {
  const { output } = result
  if (output.type === 'error-text') return { ...result, output: { type: 'text', value: `Error: ${output.value}` } }
  if (output.type !== 'content') return result
  const texts: string[] = []
  for (const piece of output.value) {
    if (piece.type === 'text') texts.push(piece.text)
    else if (piece.type === 'file') files.push(piece)
  }
  if (files.length > 0) texts.push('(The files of this result follow in the next message.)')
  return { ...result, output: { type: 'text', value: texts.join('\n') } }
}

/** An error stays marked as one, and files in a result stand behind it as the user’s where the provider takes none inside. */
export function fitResults(prompt: LanguageModelV4Prompt, family: Family, model: string): LanguageModelV4Prompt {
  if (family === 'claude') return prompt
  const inside = takesFiles(family, model)
  return prompt.flatMap((message): LanguageModelV4Prompt => {
    if (message.role !== 'tool') return [message]
    const files: UserPart[] = []
    const content = message.content.map((part) => {
      if (part.type !== 'tool-result') return part
      return inside && part.output.type === 'content' ? part : asText(part, files)
    })
    return [{ ...message, content }, ...(files.length > 0 ? [{ role: 'user' as const, content: files as never }] : [])]
  })
}
