import type { GenericOAuthConfig } from 'better-auth/plugins'
import { type Metadata, metadataUrl } from '../connections/metadata.ts'
import type { Connection } from '../connections/store.ts'
import { vouchedFor } from './admission.ts'
import { claims } from './claims.ts'

interface GitHubEmail {
  email: string
  primary: boolean
  verified: boolean
}

async function read<T>(url: string, token: string): Promise<T> {
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
    redirect: 'error',
    signal: AbortSignal.timeout(10_000),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as T
}

/** GitHub speaks OAuth 2.0 and not OpenID Connect: the address is the primary one that GitHub has verified. Source: docs.github.com, "Get the authenticated user". */
function github(one: Connection): Partial<GenericOAuthConfig> {
  const api = one.issuer === 'https://github.com' ? 'https://api.github.com' : `${one.issuer}/api/v3`
  return {
    authorizationUrl: `${one.issuer}/login/oauth/authorize`,
    tokenUrl: `${one.issuer}/login/oauth/access_token`,
    scopes: ['read:user', 'user:email'],
    authorizationHeaders: { accept: 'application/json' },
    getUserInfo: async ({ accessToken = '' }) => {
      const user = await read<{ id: number; login: string; name: string | null }>(`${api}/user`, accessToken)
      const emails = await read<GitHubEmail[]>(`${api}/user/emails`, accessToken)
      const own = emails.find(({ primary, verified }) => primary && verified)
      if (own === undefined) return null
      claims.getStore()?.set({ email: own.email })
      return { id: user.id, email: own.email, emailVerified: true, name: user.name ?? user.login }
    },
  }
}

/** Verified by better-auth, with the issuer's keys, just before. */
const claimsIn = (idToken: string): Record<string, unknown> => JSON.parse(Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString())

/** `groups` is no standard scope: Google, Entra and Keycloak refuse a sign-in that asks for it unless it was set up there. */
function scopesOf({ groupClaim, groupRoles, metadata }: Usable): string[] {
  const { scopes_supported: offered } = metadata
  const groups = Array.isArray(offered) ? groupClaim !== '' && offered.includes('groups') : Object.keys(groupRoles).length > 0
  return ['openid', 'email', 'profile', ...(groups ? ['groups'] : [])]
}

/** What an ID token leaves out stands at the userinfo endpoint: by the standard the address, at GitLab the groups. Source: OpenID Connect Core 1.0, 5.3 and 5.4. */
async function profileOf(one: Usable, idToken: string, accessToken: string): Promise<Record<string, unknown> | null> {
  const said = claimsIn(idToken)
  const wanted = ['email', 'email_verified', 'name', ...(one.groupClaim === '' ? [] : [one.groupClaim])]
  const endpoint = one.metadata.userinfo_endpoint
  if (typeof endpoint !== 'string' || wanted.every((claim) => said[claim] !== undefined)) return said
  const more = await read<Record<string, unknown>>(endpoint, accessToken).catch(() => ({}) as Record<string, unknown>)
  if (more.sub === undefined) return said
  return more.sub === said.sub ? { ...more, ...said } : null
}

/** Any issuer of OpenID Connect by discovery, GitLab among them: PKCE, state and nonce, and the ID token is verified with the issuer's keys. */
function oidc(one: Usable): Partial<GenericOAuthConfig> {
  return {
    discoveryUrl: metadataUrl(one.issuer),
    requireIdTokenVerification: true,
    scopes: scopesOf(one),
    getUserInfo: async ({ idToken, accessToken = '' }) => {
      const profile = idToken === undefined ? null : await profileOf(one, idToken, accessToken)
      if (profile === null) return null
      claims.getStore()?.set(profile)
      const name = [profile.name, profile.preferred_username, profile.email].find(
        (text): text is string => typeof text === 'string' && text !== '',
      )
      return { ...profile, id: String(profile.sub), name: name ?? 'Somebody', emailVerified: vouchedFor(profile) } as never
    },
  }
}

/** A connection with what its provider says of itself. */
export type Usable = Connection & { clientSecret: string; metadata: Metadata }

/** One connection as better-auth takes it; its id is the connection's. */
export function providerOf(one: Usable): GenericOAuthConfig {
  const { id, name, clientId, clientSecret, kind } = one
  return { providerId: id, name, clientId, clientSecret, pkce: true, ...(kind === 'github' ? github(one) : oidc(one)) }
}
