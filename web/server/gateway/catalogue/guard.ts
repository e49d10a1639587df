import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { HelixError } from '@helix/contract/errors'
import { buildConnector } from 'undici'
import { isPublicAddress } from '../../git/addresses.ts'

export type Resolve = (host: string) => Promise<string[]>

const resolveAll: Resolve = async (host) => (await lookup(host, { all: true })).map(({ address }) => address)

/** The address to dial for a host that somebody typed: one of its addresses, all of which are public. Throws a sentence for people. */
export async function publicAddress(hostname: string, resolve: Resolve = resolveAll): Promise<string> {
  const host = hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) ? [host] : await resolve(host).catch(() => [])
  const [first] = found
  if (first === undefined) throw new Error(`The host ${host} was not found.`)
  const bad = found.find((address) => !isPublicAddress(address))
  if (bad === host) throw new Error(`${host} is not an address of the public internet.`)
  if (bad !== undefined) throw new Error(`${host} leads to ${bad}, which is not an address of the public internet.`)
  return first
}

/**
 * Connects to providers of organisations and people (`guarded` candidates): the address that was looked at is the one that is dialled. undici asks no
 * lookup for IP literals, so the address is put in place of the name, which stays for TLS.
 */
export function guardedConnector(options: buildConnector.BuildOptions = {}, resolve?: Resolve): buildConnector.connector {
  const connect = buildConnector(options)
  return (target, callback) => {
    publicAddress(target.hostname, resolve).then(
      (address) => connect({ ...target, hostname: address, servername: target.servername ?? serverName(target.hostname) }, callback),
      (error: Error) => callback(error, null),
    )
  }
}

const serverName = (hostname: string): string => (isIP(hostname.replace(/^\[|\]$/g, '')) ? '' : hostname)

/** What somebody may type for a server outside. `way`: how one in the own network is set up, for who may not. */
interface AskedUrl {
  field: string
  way: string
  resolve?: Resolve | undefined
}

/** Refuses at once what no later connection would let through. */
export async function checkOutsideUrl(url: string, allowPrivate: boolean, { field, way, resolve }: AskedUrl): Promise<void> {
  const refuse = (message: string): HelixError =>
    new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) throw refuse('must be an https URL')
  if (parsed.username !== '' || parsed.password !== '') throw refuse('must hold no user and no password: the key has its own field')
  if (parsed.search !== '' || parsed.hash !== '') throw refuse('must end before ? and #')
  if (allowPrivate) return
  if (parsed.protocol !== 'https:') throw refuse('must be an https URL')
  await publicAddress(parsed.hostname, resolve).catch((error: Error) => {
    throw refuse(`${error.message} ${way}`)
  })
}

const ofProviders = { field: 'baseUrl', way: 'Providers in the own network are set up by who runs the installation.' }

/** The same for providers of organisations and people. */
export function checkProviderUrl(url: string, allowPrivate: boolean, resolve?: Resolve): Promise<void> {
  return checkOutsideUrl(url, allowPrivate, { ...ofProviders, resolve })
}
