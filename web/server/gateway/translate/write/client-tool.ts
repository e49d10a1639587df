import type { ClientTool, Question } from '../question.ts'

/** What a called name is to the client, and how the text of a custom tool is taken out of its wrapping. */
export function toolOf(question: Question, name: string): ClientTool & { textOf(input: string): string } {
  const known = question.clientTools.get(name) ?? { kind: 'function' as const, name, namespace: null }
  const textOf = (input: string): string => {
    const { input: text } = JSON.parse(input) as { input?: unknown }
    return typeof text === 'string' ? text : input
  }
  return { ...known, textOf }
}
