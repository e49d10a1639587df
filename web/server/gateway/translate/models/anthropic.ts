import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Sending } from './sending.ts'

export async function anthropicModel({ fetch, candidate }: Sending): Promise<LanguageModelV4> {
  const { createAnthropic } = await import('@ai-sdk/anthropic')
  return createAnthropic({ baseURL: candidate.baseUrl, apiKey: candidate.key.secret, fetch }).languageModel(candidate.model)
}
