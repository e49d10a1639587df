import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream, type ReadStream } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { attachmentMaxBytes } from '@helix/contract/attachments'
import { HelixError } from '@helix/contract/errors'
import type { OrgId } from '@helix/contract/ids'
import { headLength } from './content-type.ts'

export interface StoredFile {
  sha256: string
  /** Units: bytes. */
  size: number
  /** The first bytes, to tell what it is. */
  head: Buffer
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

  /** Throws `too_large` before the rest is read, and what `check` throws; what is refused is not kept. */
  async write(orgId: OrgId, body: Readable, check: (file: Omit<StoredFile, 'sha256'>) => void): Promise<StoredFile> {
    const folder = join(this.folder, orgId)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const unfinished = join(folder, `.${randomUUID()}`)
    const hash = createHash('sha256')
    let size = 0
    let head: Buffer = Buffer.alloc(0)
    try {
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
        createWriteStream(unfinished, { mode: 0o600 }),
      )
      check({ size, head })
      const sha256 = hash.digest('hex')
      const path = this.pathOf(orgId, sha256)
      await mkdir(join(path, '..'), { recursive: true, mode: 0o700 })
      await rename(unfinished, path)
      return { sha256, size, head }
    } catch (error) {
      await rm(unfinished, { force: true })
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
