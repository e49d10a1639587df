import { readdir, readFile, readlink } from 'node:fs/promises'
import type { HostCheck } from '@helix/contract/link'
import type { Descriptors } from '@helix/contract/pressure'
import type { Logger } from 'pino'

/** Part of what the system allows from which on it is said. */
const much = 0.7

/** What this process has open; null where the system does not say. */
export async function countDescriptors(): Promise<Descriptors | null> {
  try {
    const names = await readdir('/proc/self/fd')
    // One of them is the listing's own, gone by now.
    const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => null)))
    const open = targets.filter((target) => target !== null)
    const most = Number(/^Max open files\s+(\d+)/m.exec(await readFile('/proc/self/limits', 'utf8'))?.[1] ?? Number.NaN)
    return {
      open: open.length,
      sockets: open.filter((target) => target.startsWith('socket:')).length,
      most: Number.isFinite(most) ? most : null,
    }
  } catch {
    // Only Linux has it.
    return null
  }
}

/** Sees in time that something is opened and never closed. */
export class DescriptorWatch {
  private readonly log: Logger
  private readonly count: () => Promise<Descriptors | null>
  private warned = false
  now: Descriptors | null = null

  constructor(log: Logger, count: () => Promise<Descriptors | null> = countDescriptors) {
    this.log = log
    this.count = count
  }

  async look(): Promise<void> {
    this.now = await this.count()
    if (this.many !== this.warned && this.many)
      this.log.warn({ ...this.now }, 'this process has nearly as many descriptors open as it may: something does not close them')
    this.warned = this.many
  }

  get checks(): HostCheck[] {
    if (this.now === null) return []
    const { open, sockets, most } = this.now
    const text = `${open} descriptors are open, ${sockets} of them sockets${most === null ? '' : `, of ${most} that may be`}.`
    const out = ' Restart this host process (sessions go on), raise its limit (ulimit -n), and report it.'
    return [{ name: 'descriptors', state: this.many ? 'warn' : 'ok', text: this.many ? text + out : text }]
  }

  private get many(): boolean {
    return this.now !== null && this.now.most !== null && this.now.open > this.now.most * much
  }
}
