import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { Exchange, Sink } from './exchange.ts'

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/**
 * Pipes an answer as it is without compression. Identity was asked for; where a provider compresses all the same, the client gets the plain bytes too, since it
 * did not say that it can read others.
 */
export async function pipePlain(exchange: Exchange, encoding: string | undefined, sink: Sink): Promise<void> {
  if (encoding === undefined || encoding === '' || encoding === 'identity') return exchange.pipe(sink)
  const make = decoders[encoding.trim().toLowerCase() as keyof typeof decoders]
  if (make === undefined) throw new Error(`the encoding ${encoding.slice(0, 40)}`)
  const decoder = make()
  const decoded = new Promise<void>((resolve, reject) => {
    decoder.once('end', resolve)
    decoder.once('error', reject)
  })
  decoded.catch((error: Error) => exchange.abort(error))
  decoder.on('data', (chunk: Buffer) => {
    if (sink.write(chunk)) return
    decoder.pause()
    sink.onDrain(() => decoder.resume())
  })
  try {
    await exchange.pipe({
      write: (chunk) => decoder.write(chunk),
      onDrain: (goOn) => {
        decoder.once('drain', goOn)
      },
    })
    decoder.end()
    await decoded
  } finally {
    decoder.destroy()
  }
}

/** The whole answer, uncompressed; throws when it is larger than the limit, in bytes. */
export async function collect(exchange: Exchange, encoding: string | undefined, largest: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  const write = (chunk: Buffer): boolean => {
    size += chunk.length
    if (size > largest) exchange.abort(new Error(`more than ${Math.floor(largest / 1024 / 1024)} MiB`))
    else chunks.push(chunk)
    return true
  }
  await pipePlain(exchange, encoding, { write, onDrain: () => undefined })
  if (size > largest) throw new Error(`more than ${Math.floor(largest / 1024 / 1024)} MiB`)
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}
