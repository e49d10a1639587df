import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { attachmentMaxBytes } from '@helix/contract/attachments'
import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import { headLength, type ReadPiece } from './content-type.ts'

/** A file that has arrived whole. It is gone with its disposal unless it was kept. */
export interface ReceivedFile extends AsyncDisposable {
  sha256: string
  /** Units: bytes. */
  size: number
  /** The first bytes, to tell what it is. */
  head: Buffer
  read: ReadPiece
  /** Puts it in its place; what has the same bytes lies there already, and is replaced by them. */
  keep(): Promise<void>
}

async function readPiece(path: string, at: number, length: number): Promise<Buffer> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}

async function take(body: Readable, path: string): Promise<Pick<ReceivedFile, 'sha256' | 'size' | 'head'>> {
  const hash = createHash('sha256')
  let size = 0
  let head: Buffer = Buffer.alloc(0)
  await pipeline(
    body,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        size += chunk.length
        if (size > attachmentMaxBytes) throw new HelixError('too_large', 'A file may have 25 MB at most.')
        hash.update(chunk)
        if (head.length < headLength) head = Buffer.concat([head, chunk]).subarray(0, headLength)
        yield chunk
      }
    },
    createWriteStream(path, { mode: 0o600 }),
  )
  return { sha256: hash.digest('hex'), size, head }
}

/** The bytes of attachments, by organisation and hash: what is uploaded twice lies there once, and half an upload is nowhere. */
export class AttachmentDisk {
  private readonly folder: string

  constructor(dataDir: string) {
    this.folder = join(dataDir, 'attachments')
  }

  private pathOf(orgId: OrgId, sha256: string): string {
    return join(this.folder, orgId, sha256.slice(0, 2), sha256)
  }

  /** Throws `too_large` before the rest is read. */
  async receive(orgId: OrgId, body: Readable): Promise<ReceivedFile> {
    const folder = join(this.folder, orgId)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const unfinished = join(folder, `.${randomUUID()}`)
    const drop = (): Promise<void> => rm(unfinished, { force: true })
    try {
      const { sha256, size, head } = await take(body, unfinished)
      const path = this.pathOf(orgId, sha256)
      const keep = async (): Promise<void> => {
        await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
        await rename(unfinished, path)
      }
      return { sha256, size, head, read: (at, length) => readPiece(unfinished, at, length), keep, [Symbol.asyncDispose]: drop }
    } catch (error) {
      await drop()
      throw error
    }
  }

  read(orgId: OrgId, sha256: string): ReadStream {
    return createReadStream(this.pathOf(orgId, sha256))
  }

  /** Already gone is not an error. */
  async remove(orgId: OrgId, sha256: string): Promise<void> {
    await rm(this.pathOf(orgId, sha256), { force: true })
  }
}
