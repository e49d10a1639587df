import { demoModel } from '@helix/contract/gateway'
import type { OrgId } from '@helix/contract/ids'
import type { Knex } from 'knex'
import type { Logger } from 'pino'
import type { EventBus } from '../../events/bus.ts'
import type { SealingKeys } from '../../secrets/seal.ts'
import type { Candidate, Catalogue, ConversationDialect, Policy } from '../ports/candidate.ts'
import type { Scope } from '../ports/scope.ts'
import type { Installation } from './installation.ts'
import type { Listing } from './listing.ts'
import { type Offered, Snapshot } from './snapshot.ts'
import { CatalogueStore, catalogueTopic, notifyCatalogue } from './store.ts'

/** Units: milliseconds. Changes are told by the bus; looking again is the second way, for where notifications do not come through. */
const freshMs = 15_000
/** What was read is believed for so long while the database is away. */
const longestMs = 10 * 60_000
const mostOrganisations = 500

interface Kept {
  snapshot: Snapshot
  readAt: number
  /** Of the listing of the installation's providers that it was made with. */
  listing: number
}

interface Parts {
  db: Knex
  sealing: SealingKeys
  bus: EventBus
  log: Logger
  /** Providers of organisations and people may be in the own network. */
  allowPrivate: boolean
}

type Who = Pick<Scope, 'orgId' | 'projectId' | 'userId'>

/** Answers from memory for organisations that were asked about lately. */
export class MemoryCatalogue implements Catalogue, Disposable {
  private readonly parts: Parts
  private readonly store: CatalogueStore
  private readonly listing: Listing
  private readonly kept = new Map<OrgId, Kept>()
  private readonly loading = new Map<OrgId, Promise<Snapshot>>()
  private readonly heard = new Map<OrgId, () => void>()
  /** Counts changes, so that what was read before one is not kept after it. */
  private readonly changes = new Map<OrgId, number>()

  constructor(parts: Parts, listing: Listing) {
    this.parts = parts
    this.listing = listing
    const { db, sealing, log, allowPrivate } = parts
    this.store = new CatalogueStore(db, sealing, !allowPrivate, (keyId, err) =>
      log.error({ err, keyId }, 'a key of a provider does not open'),
    )
  }

  get installation(): Installation {
    return this.listing.installation
  }

  /** Asks what the installation's providers list, where nobody knows it. */
  look(): Promise<void> {
    return this.listing.look()
  }

  /** A promise the first time and after a change, afterwards what is in memory. */
  snapshotOf(orgId: OrgId): Snapshot | Promise<Snapshot> {
    const known = this.kept.get(orgId)
    if (known === undefined || known.listing !== this.listing.version) return this.load(orgId)
    const age = Date.now() - known.readAt
    if (age >= longestMs || age < 0) return this.load(orgId)
    if (age >= freshMs) void this.load(orgId).catch((err: unknown) => this.parts.log.warn({ err }, 'the catalogue is not read again'))
    return known.snapshot
  }

  candidates(scope: Who, model: string): readonly Candidate[] | Promise<readonly Candidate[]> {
    const snapshot = this.snapshotOf(scope.orgId)
    return snapshot instanceof Snapshot ? snapshot.candidates(scope, model) : snapshot.then((read) => read.candidates(scope, model))
  }

  policyOf(scope: Who): Policy | Promise<Policy> {
    const snapshot = this.snapshotOf(scope.orgId)
    return snapshot instanceof Snapshot ? snapshot.policyOf(scope.projectId) : snapshot.then((read) => read.policyOf(scope.projectId))
  }

  async models(scope: Who): Promise<{ id: string; provider: string }[]> {
    if (await this.demo(scope)) return [{ id: demoModel, provider: 'helix demo (a script, not a model)' }]
    return (await this.offered(scope)).map(({ id, provider }) => ({ id, provider }))
  }

  /** With the models that the installation's providers list, which are asked for when they are needed first. */
  async offered(scope: Who): Promise<Offered[]> {
    await this.listing.look()
    return (await this.snapshotOf(scope.orgId)).offered(scope)
  }

  /** Neither the installation nor the organisation nor the person has a provider: the demo script answers. */
  async demo(scope: Who): Promise<boolean> {
    return (await this.snapshotOf(scope.orgId)).demo(scope.userId)
  }

  /** What an agent asks for when nobody chose a model; `default` where nobody knows. */
  async defaultModel(scope: Who, dialect: ConversationDialect): Promise<string> {
    // A provider that is down must not keep a session from starting: its first prompt says what is wrong.
    if (this.installation.defaultModel === null) await this.listing.look()
    return (await this.snapshotOf(scope.orgId)).defaultModel(scope, dialect) ?? 'default'
  }

  /** What was written is used by every process from now on. */
  async changed(orgId: OrgId): Promise<void> {
    this.forget(orgId)
    this.parts.bus.wake(catalogueTopic(orgId))
    await notifyCatalogue(this.parts.db, orgId)
  }

  private forget(orgId: OrgId): void {
    this.changes.set(orgId, (this.changes.get(orgId) ?? 0) + 1)
    this.kept.delete(orgId)
    this.loading.delete(orgId)
  }

  private load(orgId: OrgId): Promise<Snapshot> {
    const running = this.loading.get(orgId)
    if (running !== undefined) return running
    this.listen(orgId)
    const began = this.changes.get(orgId) ?? 0
    const reading = this.read(orgId, began).finally(() => {
      if (this.loading.get(orgId) === reading) this.loading.delete(orgId)
    })
    this.loading.set(orgId, reading)
    return reading
  }

  private async read(orgId: OrgId, began: number): Promise<Snapshot> {
    const { version: listing } = this.listing
    const readAt = Date.now()
    const snapshot = new Snapshot(this.listing.installation, await this.store.load(orgId))
    // What changed while it was read is read again by the next who asks.
    if ((this.changes.get(orgId) ?? 0) === began) {
      this.kept.delete(orgId)
      this.kept.set(orgId, { snapshot, readAt, listing })
      this.bound()
    }
    return snapshot
  }

  private listen(orgId: OrgId): void {
    if (this.heard.has(orgId)) return
    this.heard.set(
      orgId,
      this.parts.bus.subscribe(catalogueTopic(orgId), () => this.forget(orgId)),
    )
  }

  /** The organisations that were read longest ago go first. */
  private bound(): void {
    for (const orgId of this.kept.keys()) {
      if (this.kept.size <= mostOrganisations) return
      this.heard.get(orgId)?.()
      this.heard.delete(orgId)
      this.kept.delete(orgId)
      this.changes.delete(orgId)
    }
  }

  [Symbol.dispose](): void {
    for (const end of this.heard.values()) end()
    this.heard.clear()
    this.kept.clear()
  }
}
