import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import type { EventBus } from '../../events/bus.ts'
import type { SealingKeys } from '../../secrets/seal.ts'
import { MemoryCatalogue } from './catalogue.ts'
import { readInstallation } from './installation.ts'
import { listModelsOf } from './list-models.ts'
import { Listing } from './listing.ts'

interface Parts {
  config: Config
  db: Knex
  sealing: SealingKeys
  bus: EventBus
  log: Logger
}

/** The catalogue of this process. Throws where the providers file is not valid. */
export function openCatalogue({ config, ...parts }: Parts): MemoryCatalogue {
  return new MemoryCatalogue(
    { ...parts, allowPrivate: config.HELIX_ALLOW_PRIVATE_PROVIDERS === '1' },
    new Listing(readInstallation(config), listModelsOf, parts.log),
  )
}
