import type { LanguageModelV4CallOptions, LanguageModelV4FunctionTool, LanguageModelV4Prompt } from '@ai-sdk/provider'

export type Effort = 'minimal' | 'low' | 'medium' | 'high' | 'xhigh' | 'max'

/** What the client asks of thinking. Null: nothing, so the provider does as it likes. */
export type Thinking =
  | { off: true }
  | {
      off: false
      /** Null: only that it thinks, or for how many tokens. */
      effort: Effort | null
      budgetTokens: number | null
      /** The client wants to read it. */
      shown: boolean
    }

/** How a tool of the client is called towards the provider, and what it is to the client. */
export interface ClientTool {
  kind: 'function' | 'custom'
  name: string
  namespace: string | null
}

/** A request of any dialect, read: what every provider is asked from. */
export interface Question {
  prompt: LanguageModelV4Prompt
  maxOutputTokens: number | null
  sampling: Pick<LanguageModelV4CallOptions, 'temperature' | 'topP' | 'topK' | 'presencePenalty' | 'frequencyPenalty' | 'seed'>
  stop: readonly string[]
  format: NonNullable<LanguageModelV4CallOptions['responseFormat']> | null
  tools: readonly LanguageModelV4FunctionTool[]
  toolChoice: NonNullable<LanguageModelV4CallOptions['toolChoice']> | null
  /** Null: as the provider likes. */
  parallelCalls: boolean | null
  thinking: Thinking | null
  verbosity: 'low' | 'medium' | 'high' | null
  /** By the name that goes to the provider. A tool that is not here is a function of the same name. */
  clientTools: ReadonlyMap<string, ClientTool>
  /** Of chat completions: a last chunk with the usage. */
  usageChunk: boolean
}

export const emptyQuestion: Question = {
  prompt: [],
  maxOutputTokens: null,
  sampling: {},
  stop: [],
  format: null,
  tools: [],
  toolChoice: null,
  parallelCalls: null,
  thinking: null,
  verbosity: null,
  clientTools: new Map(),
  usageChunk: false,
}
