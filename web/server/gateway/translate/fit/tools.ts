import type { LanguageModelV4FunctionTool, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Family } from '../models/family.ts'
import type { Question } from '../question.ts'

function calledNames(prompt: LanguageModelV4Prompt): Set<string> {
  const parts = prompt.flatMap((message) => (message.role === 'assistant' ? message.content : []))
  return new Set(parts.flatMap((part) => (part.type === 'tool-call' ? [part.toolName] : [])))
}

/** Claude refuses a conversation with calls of tools that nobody describes. */
function described(question: Question): LanguageModelV4FunctionTool[] {
  return [...calledNames(question.prompt)].map((name) => ({
    type: 'function',
    name,
    description: 'A tool of an earlier part of this conversation. It is not there any more: do not call it.',
    inputSchema: { type: 'object', properties: {} },
  }))
}

export function fitTools(question: Question, family: Family): LanguageModelV4FunctionTool[] {
  const { tools } = question
  if (tools.length === 0) return family === 'claude' || family === 'bedrock' ? described(question) : []
  // Responses makes every parameter required unless it is told not to.
  if (family === 'openai_responses') return tools.map((tool) => ({ ...tool, strict: tool.strict ?? false }))
  return [...tools]
}
