import { mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { idSchema, type SessionId } from '@helix/contract/ids'
import type { Logger } from 'pino'
import type { Evictable } from '../pressure/evictables.ts'
import type { Gauge } from '../pressure/levels.ts'
import { reasonOf } from '../reason.ts'
import type { Spool } from './recorder.ts'
import { cutToWhole } from './recover.ts'

export interface Waiting {
  sessionId: SessionId
  epoch: number
  /** Units: unix microseconds. Names the segment within its session and epoch. */
  startedUs: number
  path: string
  /** Units: bytes. */
  size: number
}

const named = /^(\d+)-(\d+)\.(mp4|part)$/

export interface SpoolInput {
  folder: string
  /** Units: bytes of finished segments. */
  budgetBytes: number
  log: Logger
  /** One waits to be sent. */
  arrived(): void
  /** So many were given up before anybody saw them. */
  lost(sessionId: SessionId, epoch: number, reason: string): void
}

/** Segments on this host’s disk until the control plane has them: `<session>/<epoch>-<startedUs>.mp4`, `.part` while they are written. */
export class RecordingSpool implements Spool, Evictable {
  readonly name = 'recordings that wait to be sent'
  private readonly input: SpoolInput
  private readonly waiting = new Map<string, Waiting>()

  private constructor(input: SpoolInput) {
    this.input = input
  }

  /** Takes up what an earlier boot left, and mends what it was writing. */
  static async open(input: SpoolInput): Promise<RecordingSpool> {
    const spool = new RecordingSpool(input)
    await mkdir(input.folder, { recursive: true, mode: 0o700 })
    for (const folder of await readdir(input.folder)) {
      const sessionId = idSchema('session').safeParse(folder)
      if (!sessionId.success) continue
      for (const name of await readdir(join(input.folder, folder))) await spool.takeUp(join(input.folder, folder, name))
      // Of sessions whose recordings were all sent; nothing is written before this boot records.
      await rmdir(join(input.folder, folder)).catch(() => undefined)
    }
    return spool
  }

  /** Oldest first. */
  all(): Waiting[] {
    return [...this.waiting.values()].toSorted((one, other) => one.startedUs - other.startedUs)
  }

  /** Units: bytes. */
  get size(): number {
    return [...this.waiting.values()].reduce((sum, { size }) => sum + size, 0)
  }

  pathFor({ sessionId, epoch }: { sessionId: SessionId; epoch: number }, startedUs: number): string {
    return join(this.input.folder, sessionId, `${epoch}-${startedUs}.part`)
  }

  /** Before the first `pathFor` of a session. */
  async prepare(sessionId: SessionId): Promise<void> {
    await mkdir(join(this.input.folder, sessionId), { recursive: true, mode: 0o700 })
  }

  async finished(path: string): Promise<void> {
    const whole = path.replace(/part$/, 'mp4')
    await rename(path, whole)
    if (!(await this.keep(whole))) return
    while (this.size > this.input.budgetBytes) {
      const [oldest] = this.all()
      if (oldest === undefined) break
      await this.giveUp(oldest, 'The host keeps no more recordings that wait to be sent.')
    }
    this.input.arrived()
  }

  failed(path: string, error: unknown): void {
    const one = described(path, 0)
    this.input.log.warn({ path, reason: reasonOf(error) }, 'a segment of a recording could not be written')
    void rm(path, { force: true }).catch(() => undefined)
    if (one !== null) this.input.lost(one.sessionId, one.epoch, `The host could not write: ${reasonOf(error)}`)
  }

  /** It is stored elsewhere, or nobody wants it. Already gone is not an error. */
  async remove({ path }: Waiting): Promise<void> {
    await rm(path, { force: true })
    this.waiting.delete(path)
  }

  async evict(short: Gauge['what']): Promise<number> {
    const [oldest] = this.all()
    if (short === 'memory' || oldest === undefined) return 0
    await this.giveUp(oldest, 'The host ran out of disk before it could be sent.')
    return short === 'files' ? 1 : oldest.size
  }

  private async giveUp(one: Waiting, reason: string): Promise<void> {
    await this.remove(one)
    this.input.log.warn({ sessionId: one.sessionId, bytes: one.size, reason }, 'a part of a recording is given up')
    this.input.lost(one.sessionId, one.epoch, reason)
  }

  private async keep(path: string): Promise<boolean> {
    const stats = await stat(path).catch(() => null)
    const one = stats === null ? null : described(path, stats.size)
    if (one !== null) this.waiting.set(path, one)
    return one !== null
  }

  private async takeUp(path: string): Promise<void> {
    const { log } = this.input
    try {
      if (path.endsWith('.mp4')) await this.keep(path)
      if (!path.endsWith('.part')) return
      if (await cutToWhole(path)) await this.finished(path)
      else await rm(path, { force: true })
    } catch (error) {
      log.warn({ path, reason: reasonOf(error) }, 'what an earlier boot recorded cannot be read and is left out')
      await rm(path, { force: true }).catch(() => undefined)
    }
  }
}

function described(path: string, size: number): Waiting | null {
  const found = named.exec(basename(path))
  if (found === null) return null
  const sessionId = basename(dirname(path)) as SessionId
  return { sessionId, epoch: Number(found[1]), startedUs: Number(found[2]), path, size }
}
