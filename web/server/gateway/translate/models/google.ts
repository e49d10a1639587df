import type { LanguageModelV4 } from '@ai-sdk/provider'
import { accessToken } from './google-token.ts'
import type { Fetch, Sending } from './sending.ts'

export async function geminiModel({ fetch, candidate }: Sending): Promise<LanguageModelV4> {
  const { createGoogle } = await import('@ai-sdk/google')
  return createGoogle({ baseURL: candidate.baseUrl, apiKey: candidate.key.secret, fetch }).languageModel(candidate.model)
}

/** Google’s clouds take a token of an hour, made from the key. */
function withToken(sending: Sending): Fetch {
  const { fetch, candidate } = sending
  return (async (input: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    headers.delete('x-goog-api-key')
    headers.set('authorization', `Bearer ${await accessToken(candidate)}`)
    return fetch(input, { ...init, headers })
  }) as Fetch
}

/** The library tells Vertex from the Gemini API by this name. */
const vertexName = 'google.vertex.chat'

/** Gemini and Claude at Vertex stand under the same project and place, and speak as at their makers’. */
export async function vertexModel(sending: Sending): Promise<LanguageModelV4> {
  const { baseUrl, settings, model } = sending.candidate
  const { project = '', location = '' } = settings
  const place = `${baseUrl}/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(location)}/publishers`
  const fetch = withToken(sending)
  if (model.includes('claude')) {
    const { createGoogleVertexAnthropic } = await import('@ai-sdk/google-vertex/anthropic/edge')
    const generateAuthToken = async () => ''
    return createGoogleVertexAnthropic({ project, location, fetch, generateAuthToken, baseURL: `${place}/anthropic/models` }).languageModel(
      model,
    )
  }
  const { createGoogle } = await import('@ai-sdk/google')
  return createGoogle({ name: vertexName, baseURL: `${place}/google`, apiKey: '', fetch }).languageModel(model)
}
