import { join } from 'node:path'
import type { Log } from '../log.ts'
import { run } from '../run.ts'
import type { Look } from './look.ts'
import type { DesktopPlace } from './place.ts'

const deadlineMs = 5000

interface Size {
  width: number
  height: number
}

/** Gives the screen sizes, one at a time: of several that wait only the newest counts. */
export class Sizes {
  private readonly place: DesktopPlace
  private readonly env: Record<string, string>
  private readonly look: Look
  private readonly log: Log
  private wanted: Size | null = null

  constructor(place: DesktopPlace, env: Record<string, string>, look: Look, log: Log) {
    this.place = place
    this.env = env
    this.look = look
    this.log = log
  }

  set(size: Size): void {
    const busy = this.wanted !== null
    this.wanted = size
    if (!busy) void this.goOn()
  }

  /** What waits does not come any more. */
  giveUp(): void {
    this.wanted = null
  }

  private async goOn(): Promise<void> {
    for (let size = this.wanted; size !== null; size = this.wanted) {
      const { user, programs } = this.place
      const words = [String(size.width & ~1), String(size.height & ~1)]
      const said = await run(user, join(programs, 'helix-resize'), words, { cwd: '/', env: this.env, timeoutMs: deadlineMs }).catch(
        () => null,
      )
      if (said?.code !== 0) this.log.warn('the desktop keeps its size', { reason: said?.stderr.trim() ?? 'helix-resize cannot be started' })
      await this.look.paint()
      if (this.wanted === size) this.wanted = null
    }
  }
}
