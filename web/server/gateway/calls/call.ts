import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { HelixError } from '@helix/contract/errors'
import type { Logger } from 'pino'
import type { Breaker } from '../choice/breaker.ts'
import type { Turnstiles } from '../choice/turnstiles.ts'
import type { Route } from '../door/routes.ts'
import type { Scanned } from '../door/scan.ts'
import type { Caller } from '../door/store.ts'
import type { BufferedMeter } from '../meter/meter.ts'
import type { Candidate, Catalogue } from '../ports/candidate.ts'
import type { Holds } from '../ports/holds.ts'
import type { Translate } from '../ports/translated.ts'
import type { StoredObjects } from '../stored/objects.ts'
import type { Pools } from '../upstream/pools.ts'

/** What calls are made with. One per process. */
export interface Parts {
  catalogue: Catalogue
  holds: Holds
  translate: Translate
  meter: BufferedMeter
  pools: Pools
  breaker: Breaker
  turnstiles: Turnstiles
  objects: StoredObjects
  log: Logger
}

/** One call that was let in, with its body. */
export interface Call {
  id: string
  method: 'GET' | 'POST' | 'DELETE'
  /** Units: unix milliseconds, and milliseconds of `performance.now`. */
  startedAt: number
  begun: number
  route: Route
  query: URLSearchParams
  headers: IncomingHttpHeaders
  caller: Caller
  body: Buffer
  scanned: Scanned | null
  /** The model or alias. */
  asked: string
  streamed: boolean
  response: ServerResponse
  /** Aborted when the client leaves, with `Left`, and when the process ends, with an error for it. */
  left: AbortSignal
}

/** The client went away: nobody hears an answer. */
export class Left extends Error {
  override readonly name = 'Left'
}

export const nonsense = ({ provider }: Pick<Candidate, 'provider'>, what: string): HelixError =>
  new HelixError('provider_failed', `The provider ${provider} answered ${what}.`)
