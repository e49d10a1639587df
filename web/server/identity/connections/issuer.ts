import { lookup } from 'node:dns/promises'
import { HelixError } from '@helix/contract/errors'
import { isPublicAddress } from '../../git/addresses.ts'
import { metadataUrl, readMetadata } from './metadata.ts'

const refused = (what: string): HelixError => new HelixError('invalid_request', `issuer: ${what}`, { fields: { issuer: what } })

/** The server asks this address: it must be https and lead to the public internet, unless the operator allows local ones. */
async function guard(address: string, local: boolean): Promise<URL> {
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') throw refused('must not hold a user name')
  if (local) return url
  if (url.protocol !== 'https:') throw refused('must begin with https://')
  const addresses = await lookup(url.hostname.replace(/^\[|\]$/g, ''), { all: true }).catch(() => [])
  if (addresses.length === 0) throw refused('this host cannot be found')
  if (!addresses.every((one) => isPublicAddress(one.address))) throw refused('leads to a private network')
  return url
}

/** Reads the issuer's metadata once, so that a wrong address is told to who typed it and not to who signs in. */
export async function checkIssuer(kind: string, issuer: string, local: boolean): Promise<void> {
  await guard(issuer, local)
  if (kind === 'github') return
  const metadata = await readMetadata(issuer)
  if (metadata === null)
    throw new HelixError('provider_failed', `issuer: ${metadataUrl(issuer)} does not answer with metadata`, {
      fields: { issuer: 'no metadata there' },
    })
  for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    const endpoint = metadata[name]
    if (typeof endpoint !== 'string') throw refused(`its metadata has no ${name}`)
    await guard(endpoint, local)
  }
  if (String(metadata.issuer).replace(/\/$/, '') !== issuer.replace(/\/$/, ''))
    throw refused(`its metadata is of ${String(metadata.issuer)}`)
}
