import { HelixError } from '@helix/contract/errors'
import { Agent, type buildConnector, request } from 'undici'
import { guardedConnector } from '../../catalogue/guard.ts'
import type { Download } from './files.ts'

/** Units: bytes, milliseconds. */
const largestFile = 20 * 1024 * 1024
const deadlineMs = 20_000

function refuse(url: URL, why: string): never {
  throw new HelixError('invalid_request', `The file at ${url.origin}${url.pathname} ${why}. Send its data instead.`)
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

/** Whoever calls may name any address: only public ones are reached, and redirects are not followed. `protocols` is for tests. */
export function createDownload(
  connect: buildConnector.connector = guardedConnector({ timeout: deadlineMs }),
  protocols = ['https:'],
): Download {
  return async (url, signal) => {
    if (!protocols.includes(url.protocol)) refuse(url, 'is not behind https')
    const agent = new Agent({ connect })
    try {
      const answer = await request(url, { dispatcher: agent, signal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]) })
      if (answer.statusCode !== 200) return refuse(url, `answers ${answer.statusCode}`)
      const [mediaType = ''] = String(answer.headers['content-type'] ?? '').split(';')
      return { mediaType: mediaType.trim() || 'application/octet-stream', data: await read(url, answer.body) }
    } catch (error) {
      if (signal.aborted || error instanceof HelixError) throw error
      return refuse(url, `cannot be fetched: ${error instanceof Error ? error.message : error}`)
    } finally {
      void agent.destroy().catch(() => undefined)
    }
  }
}
