import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { HelixError } from '@helix/contract/errors'
import { Agent, buildConnector, request } from 'undici'
import { isPublicAddress } from '../../../git/addresses.ts'
import type { Download } from './files.ts'

/** Units: bytes, milliseconds. */
const largestFile = 20 * 1024 * 1024
const deadlineMs = 20_000

function refuse(url: URL, why: string): never {
  throw new HelixError('invalid_request', `The file at ${url.origin}${url.pathname} ${why}. Send its data instead.`)
}

/** Every address of the host must be public, and the one that was checked is the one that is dialled. */
async function addressOf(url: URL): Promise<string> {
  if (url.protocol !== 'https:') refuse(url, 'is not behind https')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) ? [host] : (await lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
  const [first] = found
  if (first === undefined) return refuse(url, 'is at a host that was not found')
  if (!found.every(isPublicAddress)) refuse(url, 'is not on the public internet')
  return first
}

async function read(url: URL, body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > largestFile) refuse(url, 'is larger than 20 MB')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Redirects are not followed: a public address may point at a private one. */
export const downloadPublic: Download = async (url, signal) => {
  const address = await addressOf(url)
  const connect = buildConnector({ timeout: deadlineMs })
  await using agent = new Agent({ connect: (options, callback) => connect({ ...options, hostname: address }, callback) })
  try {
    const answer = await request(url, { dispatcher: agent, signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]) })
    if (answer.statusCode !== 200) {
      await answer.body.dump()
      return refuse(url, `answers ${answer.statusCode}`)
    }
    const [mediaType = ''] = String(answer.headers['content-type'] ?? '').split(';')
    return { mediaType: mediaType.trim() || 'application/octet-stream', data: await read(url, answer.body) }
  } catch (error) {
    if (signal.aborted || error instanceof HelixError) throw error
    return refuse(url, 'cannot be fetched')
  }
}
