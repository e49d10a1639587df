import type { LanguageModelV4FinishReason, LanguageModelV4ToolCall, SharedV4ProviderMetadata } from '@ai-sdk/provider'
import { HelixError } from '@helix/contract/errors'
import type { Reason } from './answer.ts'

/** What a provider answered that is no answer. */
export function nonsense(provider: string, what: string): HelixError {
  return new HelixError('provider_failed', `The provider ${provider} answered ${what}.`)
}

/** The checks that hold over the whole of an answer. */
export class Checks {
  private readonly provider: string
  private readonly ids = new Set<string>()

  constructor(provider: string) {
    this.provider = provider
  }

  /** Throws when two calls of an answer have one id: no client could tell their results apart. */
  start(id: string): void {
    if (this.ids.has(id)) throw nonsense(this.provider, `two tool calls with the id "${id}"`)
    this.ids.add(id)
  }

  /** The arguments as a JSON object. */
  input({ toolName, input }: Pick<LanguageModelV4ToolCall, 'toolName' | 'input'>): string {
    const text = input.trim() === '' ? '{}' : input
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) return text
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
    }
    throw nonsense(this.provider, `a call of the tool "${toolName}" whose arguments are not a JSON object`)
  }

  /** Why it ended. Without a reason of the provider’s it did not end but was cut. */
  reason({ unified, raw }: LanguageModelV4FinishReason, calls: number): Reason {
    if (unified === 'interrupted' || (unified === 'other' && raw === undefined)) throw nonsense(this.provider, 'without an end: it was cut')
    if (unified === 'error') throw nonsense(this.provider, `with the end "${raw ?? unified}"`)
    return calls > 0 && (unified === 'stop' || unified === 'other') ? 'tool-calls' : unified
  }
}

/** Which stop word ended it: only Anthropic’s interface tells. */
export function stopSequenceOf(metadata: SharedV4ProviderMetadata | undefined): string | null {
  for (const said of Object.values(metadata ?? {})) {
    if (typeof said?.stopSequence === 'string') return said.stopSequence
  }
  return null
}

/** Gemini signs its calls and wants the signature back with them; other providers sign thoughts only. */
export function signatureOf(metadata: SharedV4ProviderMetadata | undefined): { metadata?: SharedV4ProviderMetadata } {
  const said = metadata?.google ?? metadata?.googleVertex ?? metadata?.vertex
  return typeof said?.thoughtSignature === 'string' ? { metadata: { google: { thoughtSignature: said.thoughtSignature } } } : {}
}
