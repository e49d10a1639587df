import type { LanguageModelV4FinishReason, SharedV4ProviderMetadata } from '@ai-sdk/provider'
import type { Counts } from '../../ports/counts.ts'

export type Block =
  | { type: 'text'; text: string }
  | { type: 'thought'; text: string; metadata?: SharedV4ProviderMetadata }
  /** `input`: a JSON object as text. */
  | { type: 'call'; id: string; name: string; input: string; metadata?: SharedV4ProviderMetadata }

/** `error` and `interrupted` are no ends: they are thrown. */
export type Reason = Exclude<LanguageModelV4FinishReason['unified'], 'error' | 'interrupted'>

export interface End {
  reason: Reason
  stopSequence: string | null
  counts: Counts
}

/** An answer as it comes, in order, one block after the other: what every dialect is written from. */
export type Beat =
  | { type: 'text'; delta: string }
  | { type: 'thought'; delta: string }
  | { type: 'thought-end'; metadata?: SharedV4ProviderMetadata }
  | { type: 'call-start'; id: string; name: string; metadata?: SharedV4ProviderMetadata }
  | { type: 'call-delta'; id: string; delta: string }
  | Extract<Block, { type: 'call' }>
  | { type: 'end'; end: End }

export interface Answer {
  blocks: readonly Block[]
  end: End
}

/** What every dialect says of an answer besides. `model` is the one that answered. */
export interface Heading {
  id: string
  model: string
  createdAt: number
}
