import { lookup } from 'node:dns/promises'
import { realpath } from 'node:fs/promises'
import { isIP } from 'node:net'
import { isAbsolute, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HelixError } from '@helix/contract/errors'
import { isPublicAddress } from './addresses.ts'

/** Where an import comes from, after every check that can be made before git is asked. */
export interface ImportSource {
  /** What git is given: never credentials, never an option. */
  location: string
  /** What is stored and shown. */
  shown: string
  protocol: 'https' | 'file'
  /** For git's environment only, where no other user can read it. */
  env: Record<string, string>
  /** Taken out of git's words before they are shown. */
  secrets: string[]
}

export interface ImportRules {
  allowLocal: boolean
  /** Paths in here are refused: they are other people's repositories. */
  dataDir: string
  addressAllowed?: (address: string) => boolean
  /** Certificates to trust instead of the system's. */
  caFile?: string
}

const invalid = (message: string): HelixError => new HelixError('invalid_request', message, { fields: { 'source.from': message } })

/** Throws `invalid_request` or `import_failed` with the way out. */
export async function checkSource(from: string, rules: ImportRules): Promise<ImportSource> {
  if (isAbsolute(from) || from.startsWith('file:')) return localSource(from, rules)
  if (from.startsWith('https:')) return urlSource(from, rules)
  throw invalid(
    rules.allowLocal
      ? 'Give an https URL or an absolute path on the machine of the control plane.'
      : 'Give an https URL. Other protocols are not supported for imports.',
  )
}

async function localSource(from: string, rules: ImportRules): Promise<ImportSource> {
  if (!rules.allowLocal) throw invalid('Paths on the control plane are not allowed here: give an https URL.')
  let path: string
  try {
    path = await realpath(from.startsWith('file:') ? fileURLToPath(from) : from)
  } catch {
    throw new HelixError('import_failed', `There is nothing to read at ${from}.`)
  }
  const dataDir = await realpath(rules.dataDir)
  if (path === dataDir || path.startsWith(dataDir + sep) || dataDir === path + sep) {
    throw invalid('This path is inside the data folder of Helix: it cannot be imported.')
  }
  return { location: path, shown: path, protocol: 'file', env: {}, secrets: [] }
}

async function urlSource(from: string, rules: ImportRules): Promise<ImportSource> {
  const url = URL.parse(from)
  if (url === null || url.protocol !== 'https:' || url.hostname === '') throw invalid('This is not a valid https URL.')
  const user = decodeURIComponent(url.username)
  const password = decodeURIComponent(url.password)
  url.username = ''
  url.password = ''
  url.hash = ''
  const shown = new URL(url)
  shown.search = ''
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = await publicAddresses(host, rules.addressAllowed ?? isPublicAddress)
  const pinned = `${url.hostname}:${url.port || '443'}:${addresses.join(',')}`
  const config: [string, string][] = isIP(host) ? [] : [['http.curloptResolve', pinned]]
  if (user !== '' || password !== '') {
    config.push(['http.extraHeader', `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`])
  }
  const secrets = [password, user, url.search].filter((secret) => secret.length > 3)
  const env = { ...configEnvironment(config), ...(rules.caFile === undefined ? {} : { GIT_SSL_CAINFO: rules.caFile }) }
  return { location: url.href, shown: shown.href, protocol: 'https', env, secrets }
}

/** Configuration by environment: command lines can be read by every user of the machine. */
function configEnvironment(config: [string, string][]): Record<string, string> {
  const entries = config.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ])
  return { GIT_CONFIG_COUNT: String(config.length), ...Object.fromEntries(entries) }
}

/** Every address of a host must be public: one that is not may be the one that is dialled. */
async function publicAddresses(host: string, allowed: (address: string) => boolean): Promise<string[]> {
  const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolve(host)
  const bad = found.find(({ address }) => !allowed(address))
  if (bad !== undefined)
    throw new HelixError('import_failed', `${host} leads to ${bad.address}, which is not an address of the public internet.`)
  return found.map(({ address, family }) => (family === 6 ? `[${address}]` : address))
}

async function resolve(host: string): Promise<{ address: string; family: number }[]> {
  const found = await lookup(host, { all: true }).catch(() => [])
  if (found.length === 0) throw new HelixError('import_failed', `The host ${host} was not found.`)
  return found
}

/** git's words without what must not be seen. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, '…').replaceAll(encodeURIComponent(secret), '…'), text)
}
