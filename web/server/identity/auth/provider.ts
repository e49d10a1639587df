import type { GenericOAuthConfig } from 'better-auth/plugins'
import type { Connection } from '../connections/store.ts'
import { vouchedFor } from './admission.ts'
import { claims } from './claims.ts'

interface GitHubEmail {
  email: string
  primary: boolean
  verified: boolean
}

async function read<T>(url: string, token: string): Promise<T> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}`, accept: 'application/json' }, redirect: 'error' })
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

/** Any issuer of OpenID Connect by discovery, GitLab among them: PKCE, state and nonce, and the ID token is verified with the issuer's keys. */
function oidc(one: Connection): Partial<GenericOAuthConfig> {
  return {
    discoveryUrl: `${one.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    requireIdTokenVerification: true,
    scopes: ['openid', 'email', 'profile', ...(one.groupClaim === '' || one.kind === 'gitlab' ? [] : ['groups'])],
    mapProfileToUser: (profile) => {
      claims.getStore()?.set(profile)
      const name = [profile.name, profile.preferred_username, profile.email].find(
        (text): text is string => typeof text === 'string' && text !== '',
      )
      return { name: name ?? 'Somebody', emailVerified: vouchedFor(profile) }
    },
  }
}

/** One connection as better-auth takes it; its id is the connection's. */
export function providerOf(one: Connection & { clientSecret: string }): GenericOAuthConfig {
  const { id, name, clientId, clientSecret, kind } = one
  return { providerId: id, name, clientId, clientSecret, pkce: true, ...(kind === 'github' ? github(one) : oidc(one)) }
}
