/** What an issuer says of itself. Source: OpenID Connect Discovery 1.0, section 3. */
export interface Metadata {
  issuer?: unknown
  authorization_endpoint?: unknown
  token_endpoint?: unknown
  jwks_uri?: unknown
  userinfo_endpoint?: unknown
  scopes_supported?: unknown
}

/** Units: milliseconds. */
const patienceMs = 10_000

export const metadataUrl = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

/** Null when there is none to be read in time. */
export async function readMetadata(issuer: string): Promise<Metadata | null> {
  const asked = await fetch(metadataUrl(issuer), { redirect: 'error', signal: AbortSignal.timeout(patienceMs) }).catch(() => null)
  return asked?.ok ? ((await asked.json().catch(() => null)) as Metadata | null) : null
}
