import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import { Breaker } from './choice/breaker.ts'
import { Turnstiles } from './choice/turnstiles.ts'
import { Bodies } from './door/body.ts'
import { Callers, tokensChannel } from './door/callers.ts'
import { CallerStore } from './door/store.ts'
import { environmentCatalogue, notTranslated } from './environment.ts'
import { Gateway } from './gateway.ts'
import { BufferedMeter } from './meter/meter.ts'
import { insertCalls } from './meter/store.ts'
import type { Catalogue } from './ports/candidate.ts'
import type { Holds } from './ports/holds.ts'
import type { Translate } from './ports/translated.ts'
import type { Providers } from './providers.ts'
import { Pools } from './upstream/pools.ts'

export interface Wired {
  db: Knex
  log: Logger
  providers: Providers
  holds: Holds
  hear: Database['hear']
}

/** The one place where the gateway's parts are put together. */
export function openGateway({ db, log, providers, holds, hear }: Wired): Gateway {
  const catalogue: Catalogue = environmentCatalogue(providers)
  const translate: Translate = notTranslated
  const callers = new Callers(new CallerStore(db))
  return new Gateway({
    catalogue,
    holds,
    translate,
    meter: new BufferedMeter((calls) => insertCalls(db, calls), log),
    pools: new Pools(),
    breaker: new Breaker(),
    turnstiles: new Turnstiles(),
    log,
    callers,
    bodies: new Bodies(),
    demo: providers.demo,
    hearing: hear(tokensChannel, { onPayload: (what) => callers.changed(what), onListening: () => callers.changed() }, log),
  })
}
