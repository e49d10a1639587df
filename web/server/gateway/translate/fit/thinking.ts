import type { LanguageModelV4Prompt, SharedV4ProviderOptions } from '@ai-sdk/provider'
import type { Family } from '../models/family.ts'
import type { Effort, Question, Thinking } from '../question.ts'

type Asked = Extract<Thinking, { off: false }>

/** Of the most it may answer with, by effort. */
const shares: Readonly<Record<Effort, number>> = { minimal: 0.1, low: 0.2, medium: 0.4, high: 0.6, xhigh: 0.8, max: 0.9 }
/** Anthropic’s least. */
const leastBudget = 1024

/** Claude models that choose their own budget, and refuse one. */
const adaptive = /claude-(?:(?:opus|sonnet|haiku)-4-[6-9](?!\d)|(?:opus|sonnet|haiku|fable)-(?:[5-9]|\d\d)(?!\d))/

export interface Fitted {
  /** The library’s own word, where it does the rest. */
  reasoning?: 'none' | 'minimal' | 'low' | 'medium' | 'high' | 'xhigh'
  providerOptions: SharedV4ProviderOptions
  /** What is left for the answer itself: the library adds the budget on top. */
  maxOutputTokens: number | null
}

function effortOfBudget(tokens: number): Effort {
  if (tokens <= 2048) return 'low'
  return tokens <= 12_000 ? 'medium' : 'high'
}

function effortOf({ effort, budgetTokens }: Asked): Effort | null {
  return effort ?? (budgetTokens === null ? null : effortOfBudget(budgetTokens))
}

/** A turn that called tools must begin with what was thought, signed; a client of another dialect may not have kept it. */
function lostThoughts(prompt: LanguageModelV4Prompt): boolean {
  const last = prompt.at(-1)
  const turn = prompt.at(-2)
  if (last?.role !== 'tool' || turn?.role !== 'assistant') return false
  const [first] = turn.content
  return first?.type !== 'reasoning' || (first.providerOptions?.anthropic ?? first.providerOptions?.amazonBedrock) === undefined
}

function fitClaude(question: Question, asked: Asked, model: string, most: number | null, key: 'anthropic' | 'amazonBedrock'): Fitted {
  const plain: Fitted = { providerOptions: {}, maxOutputTokens: most }
  const forced = question.toolChoice?.type === 'required' || question.toolChoice?.type === 'tool'
  // Anthropic refuses to think when a call is forced.
  if (forced) return plain
  const effort = effortOf(asked)
  if (adaptive.test(model)) {
    const level = effort === 'minimal' ? 'low' : effort
    const said =
      key === 'anthropic'
        ? { thinking: { type: 'adaptive', ...(asked.shown ? { display: 'summarized' } : {}) }, ...(level ? { effort: level } : {}) }
        : { reasoningConfig: { type: 'adaptive', ...(level ? { maxReasoningEffort: level } : {}) } }
    return { ...plain, providerOptions: { [key]: said } }
  }
  if (most === null || most < leastBudget * 2 || lostThoughts(question.prompt)) return plain
  const wanted = asked.budgetTokens ?? Math.floor(most * shares[effort ?? 'medium'])
  const budgetTokens = Math.max(leastBudget, Math.min(wanted, most - leastBudget))
  const config = { type: 'enabled', budgetTokens }
  return {
    providerOptions: { [key]: key === 'anthropic' ? { thinking: config } : { reasoningConfig: config } },
    maxOutputTokens: most - budgetTokens,
  }
}

function fitOpenAi(asked: Asked, family: Family, azure: boolean): Fitted['providerOptions'] {
  const effort = effortOf(asked)
  return {
    openai: {
      ...(effort ? { reasoningEffort: effort } : {}),
      ...(asked.shown && family === 'openai_responses' ? { reasoningSummary: 'auto' } : {}),
      // The name of a deployment does not say what model it is: who asks for an effort by name knows.
      ...(azure && asked.effort !== null ? { forceReasoning: true } : {}),
    },
  }
}

function fitGoogle(asked: Asked): Fitted['providerOptions'] {
  const { budgetTokens, shown } = asked
  return {
    google: {
      thinkingConfig: {
        ...(shown ? { includeThoughts: true } : {}),
        ...(budgetTokens === null || asked.effort ? {} : { thinkingBudget: budgetTokens }),
      },
    },
  }
}

/** What the client asks of thinking, in the words of the family. `most`: of tokens, thinking and answer together. */
export function fitThinking(question: Question, family: Family, model: string, azure: boolean, most: number | null): Fitted {
  const { thinking } = question
  const plain: Fitted = { providerOptions: {}, maxOutputTokens: most }
  if (thinking === null) return plain
  if (thinking.off) return family === 'compatible' ? plain : { ...plain, reasoning: 'none' }
  const word = thinking.effort === 'max' ? 'xhigh' : thinking.effort
  switch (family) {
    case 'claude':
      return fitClaude(question, thinking, model, most, 'anthropic')
    case 'bedrock':
      if (model.includes('claude')) return fitClaude(question, thinking, model, most, 'amazonBedrock')
      return word === null ? plain : { ...plain, reasoning: word }
    case 'google':
      return { ...plain, ...(word === null ? {} : { reasoning: word }), providerOptions: fitGoogle(thinking) }
    case 'compatible':
      // A budget or a wish to see thoughts is no reason to send what small servers refuse; an effort by name is.
      return word === null ? plain : { ...plain, reasoning: word }
    default:
      return { ...plain, providerOptions: fitOpenAi(thinking, family, azure) }
  }
}
