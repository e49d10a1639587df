import type { SharedV4ProviderOptions } from '@ai-sdk/provider'

interface CacheControl {
  type: 'ephemeral'
  ttl?: '5m' | '1h' | undefined
}

/** Anthropic’s hint, in the words of each provider that has one. */
export function cacheHint(hint: CacheControl | null | undefined): { providerOptions?: SharedV4ProviderOptions } {
  if (!hint) return {}
  const ttl = hint.ttl === undefined ? {} : { ttl: hint.ttl }
  return {
    providerOptions: {
      anthropic: { cacheControl: { type: hint.type, ...ttl } },
      amazonBedrock: { cachePoint: { type: 'default', ...ttl } },
    },
  }
}
