import type { Price } from './counts.ts'
import type { Scope } from './scope.ts'

export const providerKinds = ['openai', 'openai_compatible', 'azure_openai', 'anthropic', 'gemini', 'vertex', 'bedrock'] as const
export type ProviderKind = (typeof providerKinds)[number]

/** How a conversation is asked for: Chat Completions, Responses, Anthropic Messages, Google’s generateContent. */
export const conversationDialects = ['chat', 'responses', 'messages', 'generate'] as const
export type ConversationDialect = (typeof conversationDialects)[number]

/** One way to have a call answered: a model at a provider with one of its keys. */
export interface Candidate {
  providerId: string
  /** For people. */
  provider: string
  kind: ProviderKind
  /** Origin and path prefix; of OpenAI’s and Anthropic’s ending in `/v1`. */
  baseUrl: string
  key: { id: string; secret: string }
  /** What a kind needs besides: `project` and `location` of Vertex, `region` and `accessKeyId` of Bedrock, `apiVersion` of Azure. */
  settings: Readonly<Record<string, string>>
  /** As the provider calls it. */
  model: string
  /** What it speaks without translation. */
  speaks: readonly ConversationDialect[]
  price: Price | null
  /** The most it answers with, where the catalogue knows. */
  maxOutputTokens: number | null
  region: string | null
  /** Of an organisation or a person: connections go through `guardedConnector` and reach public addresses only. */
  guarded: boolean
  /** Among those of the same rank; those of a lower rank go first. */
  rank: number
  weight: number
}

/** What a project, or the organisation for who has none, lets through. */
export interface Policy {
  /** Null: all models. */
  models: readonly string[] | null
  regions: readonly string[] | null
  /** Added to what goes to providers. */
  headers: Readonly<Record<string, string>>
  /** Known values that are replaced in what goes out. */
  masked: readonly { name: string; value: string }[]
  keepBodies: boolean
  choose: 'weight' | 'latency' | 'cost'
}

export interface Catalogue {
  /** For a model or an alias, best rank first; empty: nobody has it, or the policy forbids it. From memory but for the first time. */
  candidates(scope: Scope, model: string): Promise<readonly Candidate[]> | readonly Candidate[]
  policyOf(scope: Scope): Promise<Policy> | Policy
  /** What the caller may ask for. */
  models(scope: Scope): Promise<readonly { id: string; provider: string }[]>
}
