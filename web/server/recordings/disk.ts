import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { HelixError } from '@helix/contract/errors'
import type { OrgId, SessionId } from '@helix/contract/ids'
import { segmentMostBytes } from '@helix/contract/recording-wire'
import { examine, type SegmentFacts } from './segment.ts'

export interface SegmentKey {
  orgId: OrgId
  sessionId: SessionId
  epoch: number
  /** Units: unix microseconds. */
  startedUs: number
}

/** A segment that has arrived whole and was looked at. It is gone with its disposal unless it was kept. */
export interface ReceivedSegment extends AsyncDisposable {
  sha256: string
  facts: SegmentFacts
  /** Puts it in its place. */
  keep(): Promise<void>
}

/** Kept free for the database and for repositories: recording gives way first. */
const reserve = { bytes: 2 * 1024 ** 3, part: 0.05 }
/** Units: milliseconds. What is younger may be on its way to its row. */
const graceMs = 3_600_000

const nameOf = ({ epoch, startedUs }: SegmentKey): string => `${epoch}-${startedUs}.mp4`

/** The bytes of recordings: `recordings/<org>/<session>/<epoch>-<startedUs>.mp4` in the data folder. */
export class RecordingDisk {
  private readonly folder: string

  constructor(dataDir: string) {
    this.folder = join(dataDir, 'recordings')
  }

  private folderOf({ orgId, sessionId }: Pick<SegmentKey, 'orgId' | 'sessionId'>): string {
    return join(this.folder, orgId, sessionId)
  }

  /** Throws `storage_full` while the disk has little left. */
  async checkRoom(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 })
    const { bavail, blocks, bsize } = await statfs(this.folder)
    if (bavail * bsize < Math.min(reserve.bytes, blocks * bsize * reserve.part))
      throw new HelixError('storage_full', 'The data folder of the control plane is almost full: recordings wait until there is room.')
  }

  /** Throws what is wrong with it; nothing is left of half an upload. */
  async receive(key: SegmentKey, body: Readable): Promise<ReceivedSegment> {
    const folder = this.folderOf(key)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const unfinished = join(folder, `.${randomUUID()}`)
    const drop = (): Promise<void> => rm(unfinished, { force: true })
    try {
      const sha256 = await take(body, unfinished)
      await using file = await open(unfinished)
      const facts = await examine(file)
      if (typeof facts === 'string') throw new HelixError('invalid_request', facts)
      await file.sync()
      return { sha256, facts, keep: () => rename(unfinished, join(folder, nameOf(key))), [Symbol.asyncDispose]: drop }
    } catch (error) {
      await drop()
      throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? new HelixError('storage_full') : error
    }
  }

  open(key: SegmentKey): Promise<FileHandle> {
    return open(join(this.folderOf(key), nameOf(key)))
  }

  /** Already gone is not an error. */
  async remove(key: SegmentKey): Promise<void> {
    await rm(join(this.folderOf(key), nameOf(key)), { force: true })
  }

  /** Removes what no row is of, and folders that are empty; `names` tells the rows of a session. Answers with how many files went. */
  async removeStrays(names: (session: Pick<SegmentKey, 'orgId' | 'sessionId'>) => Promise<Set<string>>, now = Date.now()): Promise<number> {
    let removed = 0
    for (const orgId of await entries(this.folder)) {
      for (const sessionId of await entries(join(this.folder, orgId))) {
        const session = { orgId: orgId as OrgId, sessionId: sessionId as SessionId }
        const known = await names(session)
        for (const name of await entries(this.folderOf(session))) {
          const path = join(this.folderOf(session), name)
          const stats = await stat(path).catch(() => null)
          if (known.has(name) || stats === null || now - stats.mtimeMs < graceMs) continue
          await rm(path, { force: true })
          removed += 1
        }
        await rmdir(this.folderOf(session)).catch(() => undefined)
      }
    }
    return removed
  }

  static nameOf = nameOf
}

const entries = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

async function take(body: Readable, path: string): Promise<string> {
  const hash = createHash('sha256')
  let size = 0
  await pipeline(
    body,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        size += chunk.length
        if (size > segmentMostBytes) throw new HelixError('too_large', `A segment has at most ${segmentMostBytes / 1024 ** 2} MB.`)
        hash.update(chunk)
        yield chunk
      }
    },
    createWriteStream(path, { mode: 0o600 }),
  )
  return hash.digest('hex')
}
