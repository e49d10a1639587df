import type { Effort, Thinking } from '../question.ts'

/** What OpenAI’s clients say: one word. */
export function thinkingOfEffort(effort: Effort | 'none' | null | undefined, shown: boolean): Thinking | null {
  if (effort === 'none') return { off: true }
  if (effort) return { off: false, effort, budgetTokens: null, shown }
  return shown ? { off: false, effort: null, budgetTokens: null, shown } : null
}
