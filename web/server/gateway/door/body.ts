import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { HelixError } from '@helix/contract/errors'

export interface BodyLimits {
  /** Units: bytes, of one body and of all that are held at once. */
  largest: number
  together: number
  /** Units: milliseconds, until the next piece and until the end. */
  pauseMs: number
  wholeMs: number
}

export const bodyLimits: BodyLimits = { largest: 32 * 1024 * 1024, together: 512 * 1024 * 1024, pauseMs: 20_000, wholeMs: 300_000 }

const decoders = { gzip: promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress), zstd: promisify(zstdDecompress) }

const tooLarge = (limit: number): HelixError =>
  new HelixError('too_large', `The body is larger than ${Math.floor(limit / 1024 / 1024)} MiB: send less at once.`)

/** Reads bodies within limits: what is too large is refused before it is held, and who sends too slowly is sent away. */
export class Bodies {
  private readonly limits: BodyLimits
  private held = 0

  constructor(limits: BodyLimits = bodyLimits) {
    this.limits = limits
  }

  /** The body as it was sent, decompressed. `release` when it is not needed any more. */
  async read(request: IncomingMessage): Promise<{ body: Buffer; release: () => void }> {
    const raw = await this.collect(request)
    let body = raw
    try {
      body = await this.decoded(raw, request.headers['content-encoding'])
    } catch (error) {
      this.held -= raw.length
      throw error
    }
    this.held += body.length - raw.length
    let kept = body.length
    const release = (): void => {
      this.held -= kept
      kept = 0
    }
    return { body, release }
  }

  private async decoded(body: Buffer, encoding = 'identity'): Promise<Buffer> {
    if (encoding === 'identity') return body
    const decode = decoders[encoding.trim().toLowerCase() as keyof typeof decoders]
    if (decode === undefined) throw new HelixError('invalid_request', `content-encoding: ${encoding.slice(0, 40)} is not understood here.`)
    try {
      return await decode(body, { maxOutputLength: this.limits.largest })
    } catch (error) {
      if ((error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(this.limits.largest)
      throw new HelixError('invalid_request', `The body is not valid ${encoding}.`)
    }
  }

  private collect(request: IncomingMessage): Promise<Buffer> {
    const { largest, pauseMs } = this.limits
    if (Number(request.headers['content-length'] ?? 0) > largest) return Promise.reject(tooLarge(largest))
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      const begun = performance.now()
      let size = 0
      let over = false
      const end = (error: Error | null): void => {
        clearTimeout(pause)
        if (over) return
        over = true
        request.off('data', take)
        if (error === null) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
        else {
          this.held -= size
          reject(error)
        }
      }
      const pause = setTimeout(() => end(tooSlow()), pauseMs)
      const take = (chunk: Buffer): void => {
        size += chunk.length
        this.held += chunk.length
        chunks.push(chunk)
        pause.refresh()
        const refused = this.refusal(size, begun)
        if (refused !== null) end(refused)
      }
      request.on('data', take)
      request.once('end', () => end(null))
      request.once('error', end)
      request.once('close', () => {
        if (!over) end(new HelixError('invalid_request', 'The body ended half way.'))
      })
    })
  }

  private refusal(size: number, begun: number): HelixError | null {
    const { largest, together, wholeMs } = this.limits
    if (size > largest) return tooLarge(largest)
    if (this.held > together) return new HelixError('rate_limited', 'Too many large requests at once.', { retryAfterMs: 1000 })
    return performance.now() - begun > wholeMs ? tooSlow() : null
  }
}

const tooSlow = (): HelixError => new HelixError('invalid_request', 'The body came too slowly: send it again.')

/** Units: milliseconds. Long enough for a client to read why it was refused while it still sends. */
const lastWordMs = 2000

/** What is still to come of a refused body is thrown away, for a moment; then the connection ends. */
export function discard(request: IncomingMessage): void {
  if (request.complete) return
  request.resume()
  const timer = setTimeout(() => request.socket.destroy(), lastWordMs)
  request.once('close', () => clearTimeout(timer))
}
