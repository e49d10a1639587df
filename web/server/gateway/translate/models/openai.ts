import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Family } from './family.ts'
import { compatibleName } from './names.ts'
import type { Fetch, Sending } from './sending.ts'

/** Azure wants its key under its own name, and a version in the address unless that is in the path. */
function azureFetch({ fetch, candidate }: Sending): Fetch {
  const { apiVersion } = candidate.settings
  return ((input: string, init: RequestInit) => {
    const url = new URL(input)
    if (apiVersion !== undefined) url.searchParams.set('api-version', apiVersion)
    const headers = new Headers(init.headers)
    headers.delete('authorization')
    headers.set('api-key', candidate.key.secret)
    return fetch(url.href, { ...init, headers })
  }) as Fetch
}

/** A server without a key is asked without one. */
function keyless({ fetch, candidate }: Sending): Fetch {
  if (candidate.key.secret !== '') return fetch
  return ((input: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    headers.delete('authorization')
    return fetch(input, { ...init, headers })
  }) as Fetch
}

export async function openAiModel(sending: Sending, family: Family): Promise<LanguageModelV4> {
  const { createOpenAI } = await import('@ai-sdk/openai')
  const { candidate } = sending
  const fetch = candidate.kind === 'azure_openai' ? azureFetch(sending) : keyless(sending)
  const provider = createOpenAI({ baseURL: candidate.baseUrl, apiKey: candidate.key.secret, fetch })
  return family === 'openai_responses' ? provider.responses(candidate.model) : provider.chat(candidate.model)
}

export async function compatibleModel(sending: Sending): Promise<LanguageModelV4> {
  const { createOpenAICompatible } = await import('@ai-sdk/openai-compatible')
  const { candidate } = sending
  const provider = createOpenAICompatible({
    name: compatibleName,
    baseURL: candidate.baseUrl,
    apiKey: candidate.key.secret,
    fetch: keyless(sending),
    includeUsage: true,
    supportsStructuredOutputs: true,
  })
  return provider.chatModel(candidate.model)
}
