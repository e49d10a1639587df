import type { SessionSpec } from '@helix/contract/hosts'
import { ApplicationFailure } from '@temporalio/common'
import type { Logger } from 'pino'
import { type Engine, EngineError, type PullProgress } from '../engine/engine.ts'
import type { ImageLedger } from '../garbage/ledger.ts'
import { reasonOf } from '../reason.ts'
import type { ClosedImages } from './closed.ts'

/** Units: milliseconds. What could not be had is asked for again by then. */
const askAgainMs = 600_000

export interface ImagesInput {
  engine: Engine
  hostName: string
  /** What this host may remove again. */
  ledger: Pick<ImageLedger, 'fetched'>
  closed: ClosedImages
  log: Logger
}

/** Who wants an image, and what the registry is to know of them. */
export interface Asker {
  project: string
  login: SessionSpec['imageLogin']
}

const nobody: Asker = { project: '', login: null }

interface Fetch {
  done: Promise<void>
  listeners: Set<(done: PullProgress) => void>
}

/** Images of projects on this host's engine: fetched when they are not there, each by one who asks; others who may have it wait for the same. */
export class Images {
  private readonly input: ImagesInput
  private readonly underWay = new Map<string, Fetch>()
  private readonly notBefore = new Map<string, number>()

  constructor(input: ImagesInput) {
    this.input = input
  }

  /** Makes sure the image is there and the asker may have it. Rejects with a sentence for people. The fetch goes on when the caller stops waiting. */
  async ensure(image: string, asker: Asker, signal: AbortSignal, progress: (done: PullProgress) => void): Promise<void> {
    if (await this.has(image, asker)) return
    const fetch = this.underWay.get(keyOf(image, asker)) ?? this.fetch(image, asker)
    fetch.listeners.add(progress)
    const left = Promise.withResolvers<never>()
    const leave = (): void => left.reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    try {
      await Promise.race([fetch.done, left.promise])
    } catch (error) {
      throw this.explained(image, asker, error)
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
      await (this.underWay.get(image) ?? this.fetch(image, nobody)).done.catch((error: unknown) => {
        this.notBefore.set(image, now + askAgainMs)
        log.warn({ image, reason: reasonOf(error) }, 'an image that a project uses cannot be fetched yet')
      })
    }
  }

  private async has(image: string, { project }: Asker): Promise<boolean> {
    const { engine, closed } = this.input
    const id = await engine.imageId(image)
    return id !== null && closed.maySee(image, id, project)
  }

  private fetch(image: string, asker: Asker): Fetch {
    const listeners: Fetch['listeners'] = new Set()
    const tell = (done: PullProgress): void => {
      for (const listener of listeners) listener(done)
    }
    const key = keyOf(image, asker)
    const done = this.pull(image, asker, tell).finally(() => this.underWay.delete(key))
    // Whoever started it may have left.
    done.catch(() => undefined)
    const fetch = { done, listeners }
    this.underWay.set(key, fetch)
    return fetch
  }

  private async pull(image: string, { project, login }: Asker, tell: (done: PullProgress) => void): Promise<void> {
    const { engine, ledger, closed, log } = this.input
    const started = Date.now()
    const before = await engine.imageId(image)
    if (login !== null) await closed.begin(image)
    await engine.pullImage(image, login, tell, new AbortController().signal).catch(async (error: unknown) => {
      if ((await engine.imageId(image)) === before) await closed.giveUp(image)
      throw error
    })
    const id = await engine.imageId(image)
    if (id === null) throw new EngineError('failed', `Docker fetched the image ${image} and has not got it`)
    if (login === null) await closed.open(image, id)
    else await closed.showedTo(image, id, project)
    if (id === before) return
    log.info({ image, durationMs: Date.now() - started }, 'fetched an image')
    await ledger.fetched(image)
  }

  private explained(image: string, { login }: Asker, error: unknown): unknown {
    if (!(error instanceof EngineError) || error.kind === 'unreachable') return error
    const way = `choose another one in the project's settings (Sandbox), or put it on the host ${this.input.hostName} with "docker pull ${image}"`
    const why = error.kind === 'missing' ? notShown(login) : error.message
    return ApplicationFailure.nonRetryable(`The image ${image} cannot be had: ${why}. To go on, ${way}.`, 'ImageUnavailable')
  }
}

/** Only who signs in as the same project waits for the same fetch. */
const keyOf = (image: string, { project, login }: Asker): string => (login === null ? image : `${image} ${project}`)

const notShown = (login: Asker['login']): string =>
  login === null
    ? 'its registry has no image of that name, or does not show it without signing in, for which the project’s settings (Sandbox) take a user and a secret'
    : `its registry has no image of that name, or does not show it to ${login.user} with what the secret ${login.secret} holds`
