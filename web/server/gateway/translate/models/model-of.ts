import type { LanguageModelV4 } from '@ai-sdk/provider'
import { anthropicModel } from './anthropic.ts'
import { bedrockModel } from './bedrock.ts'
import type { Family } from './family.ts'
import { geminiModel, vertexModel } from './google.ts'
import { compatibleModel, openAiModel } from './openai.ts'
import type { Sending } from './sending.ts'

/** Each library is loaded when its first provider is asked. */
export function modelOf(sending: Sending, family: Family): Promise<LanguageModelV4> {
  if (sending.candidate.kind === 'vertex') return vertexModel(sending)
  switch (family) {
    case 'openai_chat':
    case 'openai_responses':
      return openAiModel(sending, family)
    case 'compatible':
      return compatibleModel(sending)
    case 'claude':
      return anthropicModel(sending)
    case 'google':
      return geminiModel(sending)
    case 'bedrock':
      return bedrockModel(sending)
  }
}
