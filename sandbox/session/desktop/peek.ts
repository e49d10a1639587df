import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { peekHeader, peekSeconds } from '@helix/contract/desktop-link'
import { pictureLimits } from '@helix/contract/desktop-pictures'
import type { Desktop } from './desktop.ts'

type Seen = Pick<Desktop, 'running' | 'attend' | 'tellChanges'> & { stills: Pick<Desktop['stills'], 'take'> }

/** Units: milliseconds. Whoever comes back within them finds that changes were counted meanwhile. */
const countMs = 30_000
const off = 'off'
const wish = { maxWidth: pictureLimits.width, maxHeight: pictureLimits.height, quality: 60 }

/** Small pictures of the desktop for who looks from far: each answer waits until something is different from what they have. */
export class Peek {
  private readonly boot = randomBytes(4).toString('hex')
  private readonly waiting = new Set<() => void>()
  private desktop: Seen | null = null
  private changes = 0
  private stopCounting: (() => void) | null = null
  private timer: NodeJS.Timeout | null = null

  /** There is a desktop now, which may run or not. */
  at(desktop: Seen): void {
    this.desktop = desktop
    desktop.attend({ changed: () => this.changed(), ran: () => this.changed() })
    this.changed()
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const have = new URL(request.url ?? '/', 'http://desktop').searchParams.get('have')
    let gone = false
    response.once('close', () => {
      gone = true
      this.wake()
    })
    this.count()
    await this.until(() => gone || this.has !== have)
    if (gone) return
    const has = this.has
    const bytes = has === have || has === off ? null : ((await this.desktop?.stills.take(wish)) ?? null)
    if (bytes !== null) response.writeHead(200, { [peekHeader]: has, 'content-type': 'application/octet-stream' }).end(bytes)
    else if (has === have) response.writeHead(304, { [peekHeader]: has }).end()
    else response.writeHead(204, { [peekHeader]: off }).end()
  }

  private get has(): string {
    return this.desktop?.running ? `${this.boot}.${this.changes}` : off
  }

  private changed(): void {
    this.changes += 1
    this.wake()
  }

  private wake(): void {
    for (const wake of [...this.waiting]) wake()
  }

  /** Changes are told while somebody looks, and cost nothing when nobody does. */
  private count(): void {
    if (this.timer !== null) clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.stopCounting?.()
      this.stopCounting = null
    }, countMs).unref()
    if (this.stopCounting !== null || !this.desktop?.running) return
    this.stopCounting = this.desktop.tellChanges()
    // What changed before was not counted.
    this.changes += 1
  }

  private until(over: () => boolean): Promise<void> {
    if (over()) return Promise.resolve()
    return new Promise((resolve) => {
      const look = (): void => {
        if (over()) end()
      }
      const end = (): void => {
        clearTimeout(timer)
        this.waiting.delete(look)
        resolve()
      }
      const timer = setTimeout(end, peekSeconds * 1000)
      this.waiting.add(look)
    })
  }
}
