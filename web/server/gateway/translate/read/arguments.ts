import { refuse } from './parse.ts'

/** Arguments of a tool call in a conversation: a JSON object, as every provider wants them. */
export function parseArguments(field: string, text: string): Record<string, unknown> {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  return refuse(field, 'is not a JSON object')
}
