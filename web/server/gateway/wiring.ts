import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Database } from '../db/database.ts'
import type { MemoryCatalogue } from './catalogue/catalogue.ts'
import { Breaker } from './choice/breaker.ts'
import { Turnstiles } from './choice/turnstiles.ts'
import { Bodies } from './door/body.ts'
import { Callers, tokensChannel } from './door/callers.ts'
import { CallerStore } from './door/store.ts'
import { Gateway } from './gateway.ts'
import { BufferedMeter } from './meter/meter.ts'
import { insertCalls } from './meter/store.ts'
import type { Holds } from './ports/holds.ts'
import type { Translate } from './ports/translated.ts'
import { StoredObjects } from './stored/objects.ts'
import { StoredObjectStore } from './stored/store.ts'
import { createTranslate } from './translate/translate.ts'
import { Pools } from './upstream/pools.ts'

export interface Wired {
  db: Knex
  log: Logger
  catalogue: MemoryCatalogue
  holds: Holds
  hear: Database['hear']
}

/** The one place where the gateway's parts are put together. */
export function openGateway({ db, log, catalogue, holds, hear }: Wired): Gateway {
  const pools = new Pools()
  const translate: Translate = createTranslate({ dispatcherOf: (candidate) => pools.agentOf(candidate) })
  const callers = new Callers(new CallerStore(db))
  return new Gateway({
    catalogue,
    holds,
    translate,
    meter: new BufferedMeter((calls) => insertCalls(db, calls), log),
    pools,
    breaker: new Breaker(),
    turnstiles: new Turnstiles(),
    objects: new StoredObjects(new StoredObjectStore(db), log),
    log,
    callers,
    bodies: new Bodies(),
    demo: (scope) => catalogue.installation.demo && catalogue.demo(scope),
    hearing: hear(tokensChannel, { onPayload: (what) => callers.changed(what), onListening: () => callers.changed() }, log),
  })
}
