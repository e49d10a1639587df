import { type Id, type IdKind, idPrefixes } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import { typeid } from 'typeid-js'
import type { Config } from './config.ts'
import type { Dialect } from './db/database.ts'
import type { DeliveryRelay } from './deliveries/relay.ts'
import type { StreamTickets } from './desktop/tickets.ts'
import type { EventBus } from './events/bus.ts'
import type { MemoryCatalogue } from './gateway/catalogue/catalogue.ts'
import type { Gateway } from './gateway/gateway.ts'
import type { Providers } from './gateway/providers.ts'
import type { GitPort, RepoKey } from './git/port.ts'
import type { GitStorage } from './git/storage.ts'
import type { HealthMonitor } from './health/monitor.ts'
import type { HostLogs } from './hosts/logs/logs.ts'
import type { MachineUse } from './machine/store.ts'
import type { MailRelay } from './mail/relay.ts'
import type { PingRelay } from './notifications/relay.ts'
import type { OutboxRelay } from './outbox/relay.ts'
import type { Pictures } from './pictures/pictures.ts'
import type { SealingKeys } from './secrets/seal.ts'
import type { TemporalPort } from './temporal.ts'
import type { Tunnels } from './tunnels/tunnels.ts'

/** What every feature of the control plane is handed. One per process. */
export interface Context {
  config: Config
  log: Logger
  db: Knex
  dialect: Dialect
  bus: EventBus
  temporal: TemporalPort
  outbox: OutboxRelay
  mail: MailRelay
  deliveries: DeliveryRelay
  pings: PingRelay
  git: GitPort
  gitStorage: GitStorage
  pushes: { flush(repo: RepoKey): Promise<void> }
  providers: Providers
  gateway: Gateway
  /** Providers, models, prices and rules of each organisation, from memory. */
  catalogue: MemoryCatalogue
  /** For secrets at rest. */
  sealing: SealingKeys
  health: HealthMonitor
  /** Ways into the machines of sessions. */
  tunnels: Tunnels
  hostLogs: HostLogs
  /** Small pictures of desktops, for pages with many. */
  pictures: Pictures
  /** Of desktops. */
  streamTickets: StreamTickets
  use: MachineUse
  /** Aborted at SIGTERM: streams that never end by themselves end now. */
  streams: AbortController
  newId<K extends IdKind>(kind: K): Id<K>
}

/** A new TypeID; ids of one kind sort by creation time. */
export function newId<K extends IdKind>(kind: K): Id<K> {
  return typeid(idPrefixes[kind]).toString() as string as Id<K>
}
