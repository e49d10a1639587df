import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { Sending } from './sending.ts'

/** With an access key’s id the secret signs each request; without one it is a Bedrock API key. Nothing is taken from the environment. */
export async function bedrockModel({ fetch, candidate }: Sending): Promise<LanguageModelV4> {
  const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock')
  const { baseUrl, key, settings } = candidate
  const { region = '', accessKeyId } = settings
  const signed = accessKeyId === undefined ? { apiKey: key.secret } : { apiKey: '', accessKeyId, secretAccessKey: key.secret }
  return createAmazonBedrock({ baseURL: baseUrl, region, ...signed, fetch }).languageModel(candidate.model)
}
