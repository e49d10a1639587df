import { createHash, createSign } from 'node:crypto'
import { HelixError } from '@helix/contract/errors'
import { Agent, request } from 'undici'
import { guardedConnector } from '../../catalogue/guard.ts'
import type { Candidate } from '../../ports/candidate.ts'

interface ServiceAccount {
  client_email: string
  private_key: string
  private_key_id?: string
  token_uri?: string
}

/** Units: milliseconds before its end that a token is not used any more. */
const marginMs = 300_000
const timeoutMs = 20_000
const mostTokens = 500
const tokens = new Map<string, { token: Promise<string>; until: number }>()

function accountOf(secret: string): ServiceAccount | null {
  try {
    const value = JSON.parse(secret) as Partial<ServiceAccount> | null
    return value?.client_email && value.private_key ? (value as ServiceAccount) : null
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return null
  }
}

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** RFC 7523: https://developers.google.com/identity/protocols/oauth2/service-account */
function assertionOf(account: ServiceAccount, audience: string): string {
  const now = Math.floor(Date.now() / 1000)
  const head = encoded({ alg: 'RS256', typ: 'JWT', ...(account.private_key_id ? { kid: account.private_key_id } : {}) })
  const claims = {
    iss: account.client_email,
    scope: 'https://www.googleapis.com/auth/cloud-platform',
    aud: audience,
    iat: now,
    exp: now + 3600,
  }
  const signed = `${head}.${encoded(claims)}`
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(account.private_key, 'base64url')}`
}

/** The address stands in the key, which a person of an organisation may have made up: it is guarded as the provider is. */
async function post(url: string, body: string, { guarded }: Candidate): Promise<{ status: number; text: string }> {
  const agent = new Agent(guarded ? { connect: guardedConnector({ timeout: timeoutMs }) } : {})
  try {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent, signal: AbortSignal.timeout(timeoutMs) })
    return { status: answer.statusCode, text: await answer.body.text() }
  } finally {
    void agent.destroy().catch(() => undefined)
  }
}

async function exchange(account: ServiceAccount, candidate: Candidate): Promise<string> {
  const refuse = (why: string): HelixError =>
    new HelixError('provider_failed', `Google gives no token for the service account of ${candidate.provider}: ${why}.`)
  const audience = account.token_uri ?? 'https://oauth2.googleapis.com/token'
  const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf(account, audience) }
  const { status, text } = await post(audience, new URLSearchParams(grant).toString(), candidate).catch((error: Error) => {
    throw refuse(error.message)
  })
  const said = /"access_token"\s*:\s*"([^"]+)"/.exec(text)?.[1]
  if (said === undefined) throw refuse(`it answered ${status}`)
  return said
}

/** A token for a service account’s key file, kept while it lasts; a key that is no such file is a token already. */
export function accessToken(candidate: Candidate): Promise<string> {
  const { secret } = candidate.key
  const account = accountOf(secret)
  if (account === null) return Promise.resolve(secret)
  const key = createHash('sha256').update(secret).digest('hex')
  const known = tokens.get(key)
  if (known !== undefined && known.until > Date.now()) return known.token
  const token = exchange(account, candidate)
  if (tokens.size >= mostTokens) tokens.clear()
  tokens.set(key, { token, until: Date.now() + 3_600_000 - marginMs })
  token.catch(() => tokens.delete(key))
  return token
}
