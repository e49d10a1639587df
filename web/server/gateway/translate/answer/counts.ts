import type { LanguageModelV4Usage } from '@ai-sdk/provider'
import type { Counts } from '../../ports/counts.ts'

/** A crude measure: characters a token, of English and code. */
const charactersPerToken = 4

export const tokensOf = (characters: number): number => Math.ceil(characters / charactersPerToken)

/** What the provider said; where it was silent, counted from what went out and came back, and marked. */
export function countsOf(usage: LanguageModelV4Usage | null, sentCharacters: number, gotCharacters: number): Counts {
  const input = usage?.inputTokens.total
  const output = usage?.outputTokens.total
  // A library that saw no usage answers zeros or nothing; an answer of characters has tokens.
  const silent = input === undefined || output === undefined || (input === 0 && output === 0)
  if (silent) {
    return {
      input: tokensOf(sentCharacters),
      output: tokensOf(gotCharacters),
      cachedInput: 0,
      cacheWrite: 0,
      reasoning: 0,
      estimated: true,
    }
  }
  return {
    input,
    output,
    cachedInput: usage?.inputTokens.cacheRead ?? 0,
    cacheWrite: usage?.inputTokens.cacheWrite ?? 0,
    reasoning: usage?.outputTokens.reasoning ?? 0,
    estimated: false,
  }
}
