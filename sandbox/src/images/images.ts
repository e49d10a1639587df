import { ApplicationFailure } from '@temporalio/common'
import type { Logger } from 'pino'
import { type Engine, EngineError, type PullProgress } from '../engine/engine.ts'
import type { ImageLedger } from '../garbage/ledger.ts'
import { reasonOf } from '../reason.ts'

/** Units: milliseconds. What could not be had is asked for again by then. */
const askAgainMs = 600_000

export interface ImagesInput {
  engine: Engine
  hostName: string
  /** What this host may remove again. */
  ledger: Pick<ImageLedger, 'fetched'>
  log: Logger
}

interface Fetch {
  done: Promise<void>
  listeners: Set<(done: PullProgress) => void>
}

/** Images of projects on this host's engine: fetched when they are not there, each by one who asks; the others wait for the same. */
export class Images {
  private readonly input: ImagesInput
  private readonly underWay = new Map<string, Fetch>()
  private readonly notBefore = new Map<string, number>()

  constructor(input: ImagesInput) {
    this.input = input
  }

  /** Makes sure the image is there. Rejects with a sentence for people. The fetch goes on when the caller stops waiting. */
  async ensure(image: string, signal: AbortSignal, progress: (done: PullProgress) => void): Promise<void> {
    if (await this.input.engine.hasImage(image)) return
    const fetch = this.underWay.get(image) ?? this.fetch(image)
    fetch.listeners.add(progress)
    const left = Promise.withResolvers<never>()
    const leave = (): void => left.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      await Promise.race([fetch.done, left.promise])
    } catch (error) {
      throw this.explained(image, error)
    } finally {
      fetch.listeners.delete(progress)
      signal.removeEventListener('abort', leave)
    }
  }

  /** Fetches what is missing, one after another: sessions that start with it need not wait. `now` is for tests. */
  async prefetch(images: readonly string[], ending: AbortSignal, now = Date.now()): Promise<void> {
    const { engine, log } = this.input
    for (const image of images) {
      if (ending.aborted) return
      if (now < (this.notBefore.get(image) ?? 0) || (await engine.hasImage(image))) continue
      await (this.underWay.get(image) ?? this.fetch(image)).done.catch((error: unknown) => {
        this.notBefore.set(image, now + askAgainMs)
        log.warn({ image, reason: reasonOf(error) }, 'an image that a project uses cannot be fetched yet')
      })
    }
  }

  private fetch(image: string): Fetch {
    const { engine, ledger, log } = this.input
    const listeners: Fetch['listeners'] = new Set()
    const started = Date.now()
    const tell = (done: PullProgress): void => {
      for (const listener of listeners) listener(done)
    }
    const done = engine
      .pullImage(image, tell, new AbortController().signal)
      .then(async () => {
        log.info({ image, durationMs: Date.now() - started }, 'fetched an image')
        await ledger.fetched(image)
      })
      .finally(() => this.underWay.delete(image))
    // Whoever started it may have left.
    done.catch(() => undefined)
    const fetch = { done, listeners }
    this.underWay.set(image, fetch)
    return fetch
  }

  private explained(image: string, error: unknown): unknown {
    if (!(error instanceof EngineError) || error.kind === 'unreachable') return error
    const way = `choose another one in the project's settings (Sandbox), or put it on the host ${this.input.hostName} with "docker pull ${image}"`
    const why = error.kind === 'missing' ? 'its registry has no image of that name, or does not show it without signing in' : error.message
    return ApplicationFailure.nonRetryable(`The image ${image} cannot be had: ${why}. To go on, ${way}.`, 'ImageUnavailable')
  }
}
