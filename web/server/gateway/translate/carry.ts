import type { SharedV4ProviderMetadata } from '@ai-sdk/provider'

// Providers sign what they think and want the signature back in the next turn. Dialects have a field for a signature of their own
// provider; another’s travels there in this wrapping, through the client, which treats it as opaque.
const mark = 'hx1.'

/** Null where there is nothing to keep. */
export function wrap(metadata: SharedV4ProviderMetadata | undefined): string | null {
  if (metadata === undefined || Object.keys(metadata).length === 0) return null
  return mark + Buffer.from(JSON.stringify(metadata), 'utf8').toString('base64url')
}

/** Undefined for what is not ours: a signature that another gateway, or the provider by itself, gave. */
export function unwrap(text: string | null | undefined): SharedV4ProviderMetadata | undefined {
  if (!text?.startsWith(mark)) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(text.slice(mark.length), 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SharedV4ProviderMetadata) : undefined
  } catch (error) {
    // Cut or made up by a client: it is as good as none.
    if (!(error instanceof SyntaxError)) throw error
    return undefined
  }
}
