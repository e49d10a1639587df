import { HelixError } from '@helix/contract/errors'
import type { ProviderId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import {
  checkOwnProvider,
  checkProvider,
  createOwnProvider,
  createProvider,
  deleteOwnProvider,
  deleteProvider,
  listOwnProviders,
  listProviders,
  type Provider,
  type ProviderChange,
  type ProviderInput,
  setProviderModel,
  updateOwnProvider,
  updateProvider,
} from '@helix/contract/providers'
import { Router } from 'express'
import type { Context } from '../../../context.ts'
import { type Actor, mount } from '../../../http/mount.ts'
import { RegistrationStore } from '../../../identity/registration/store.ts'
import { checkProviderUrl } from '../guard.ts'
import { healthOf } from '../health/store.ts'
import { baseUrlOf, settingsProblem } from '../provider.ts'
import { checkProviderNow } from './check.ts'
import { shownOfInstallation, shownRow } from './shown.ts'
import { type Owner, ProviderStore } from './store.ts'

const wrong = (field: string, message: string): HelixError =>
  new HelixError('invalid_request', `${field}: ${message}`, { fields: { [field]: message } })

const taken = (name: string): HelixError =>
  new HelixError('conflict', `There is a provider ${name} already: choose another name.`, {
    fields: { name: 'taken: choose another name' },
  })

/** What pages and scripts do with providers of one owner. */
class Providers {
  private readonly context: Context
  readonly store: ProviderStore

  constructor(context: Context) {
    this.context = context
    this.store = new ProviderStore(context.db, context.sealing)
  }

  private get allowPrivate(): boolean {
    return this.context.config.HELIX_ALLOW_PRIVATE_PROVIDERS === '1'
  }

  /** Throws what is wrong with kind, settings and address. */
  private async checked(kind: ProviderInput['kind'], given: string | null, settings: Record<string, string>): Promise<string> {
    const problem = settingsProblem(kind, settings)
    if (problem !== null) throw wrong(problem.field, problem.message)
    const baseUrl = baseUrlOf(kind, given, settings)
    if (baseUrl === null) throw wrong('baseUrl', 'is needed for this kind')
    await checkProviderUrl(baseUrl, this.allowPrivate)
    return baseUrl
  }

  async create(actor: Actor, owner: Owner, { keys, baseUrl: given, ...values }: ProviderInput): Promise<Provider> {
    const missing = keys.findIndex(({ id, value }) => id === undefined && value === undefined)
    if (missing >= 0) throw wrong(`keys.${missing}.value`, 'is needed for a new key')
    const baseUrl = await this.checked(values.kind, given ?? null, values.settings)
    const id = await this.store.insert(actor.orgId, owner, { ...values, baseUrl }, keys, actor.userId)
    if (id === null) throw taken(values.name)
    return this.check(actor, owner, id)
  }

  async update(actor: Actor, owner: Owner, id: ProviderId, change: ProviderChange): Promise<Provider> {
    const before = await this.store.find(actor.orgId, owner, id)
    if (before === null) throw new HelixError('not_found')
    const { keys, baseUrl: given, expectedChangedAt, ...values } = change
    const stranger = keys?.findIndex((key) =>
      key.id === undefined ? key.value === undefined : !before.keys.some((one) => one.id === key.id),
    )
    if (stranger !== undefined && stranger >= 0) throw wrong(`keys.${stranger}.value`, 'is needed for a new key')
    const { kind } = before.row
    const settings = values.settings ?? before.row.settings
    // What was derived from the settings follows them.
    const standard = baseUrlOf(kind, null, before.row.settings) === before.row.base_url
    const address = given === undefined ? (standard ? null : before.row.base_url) : given
    const baseUrl = await this.checked(kind, address, settings)
    this.requireKeysAgain(before, baseUrl, keys)
    const done = await this.store.update(actor.orgId, owner, id, { ...values, baseUrl }, keys, expectedChangedAt, actor.userId)
    if (done === 'taken') throw taken(values.name ?? '')
    if (done === 'gone') throw await this.changedMeanwhile(actor, owner, id)
    return this.check(actor, owner, id)
  }

  /** A key goes where it was meant to go: whoever sends it elsewhere has to know it. */
  private requireKeysAgain(
    before: { row: { base_url: string }; keys: { id: string }[] },
    baseUrl: string,
    keys: ProviderInput['keys'] | undefined,
  ): void {
    if (new URL(baseUrl).origin === new URL(before.row.base_url).origin) return
    const kept = keys === undefined ? before.keys.length > 0 : keys.some(({ value }) => value === undefined)
    if (kept) throw wrong('baseUrl', 'leads to another server: give the keys again, or remove them')
  }

  private async changedMeanwhile(actor: Actor, owner: Owner, id: ProviderId): Promise<HelixError> {
    const now = await this.store.find(actor.orgId, owner, id)
    if (now === null) return new HelixError('not_found')
    const who = now.row.person ?? 'Somebody'
    return new HelixError('conflict', `${who} has changed ${now.row.name} since you opened it. Yours is not saved.`, {
      changedAt: now.row.changed_at.toISOString(),
    })
  }

  async remove(actor: Actor, owner: Owner, id: ProviderId): Promise<Record<string, never>> {
    if (!(await this.store.remove(actor.orgId, owner, id))) throw new HelixError('not_found')
    await this.store.removePrices(actor.orgId, id)
    await this.context.catalogue.changed(actor.orgId)
    return {}
  }

  async check(actor: Actor, owner: Owner, id: ProviderId): Promise<Provider> {
    const found = await this.store.find(actor.orgId, owner, id)
    if (found === null) throw new HelixError('not_found')
    // It is used from now on, whatever comes of the question.
    await this.context.catalogue.changed(actor.orgId)
    const { verdict, listed } = await checkProviderNow(
      this.store.opened(actor.orgId, found, !this.allowPrivate),
      this.context.gateway.translate,
    )
    await this.store.keepVerdict(actor.orgId, id, verdict, listed)
    await this.context.catalogue.changed(actor.orgId)
    return this.shown(actor, owner, id)
  }

  async shown(actor: Actor, owner: Owner, id: ProviderId): Promise<Provider> {
    const found = (await this.list(actor, owner)).find((one) => one.id === id)
    if (found === undefined) throw new HelixError('not_found')
    return found
  }

  async list(actor: Actor, owner: Owner): Promise<Provider[]> {
    const { context, store } = this
    const [rows, snapshot, health] = await Promise.all([
      store.list(actor.orgId, owner),
      context.catalogue.snapshotOf(actor.orgId),
      healthOf(context.db, actor.orgId),
    ])
    return rows.map((row) => shownRow(snapshot, row, health))
  }

  async ofInstallation(actor: Actor, runs: boolean): Promise<Provider[]> {
    const { catalogue, db } = this.context
    const [snapshot, health] = await Promise.all([catalogue.snapshotOf(actor.orgId), healthOf(db, actor.orgId)])
    return catalogue.installation.providers.map((one) => shownOfInstallation(snapshot, one, runs, health))
  }
}

export function providerRoutes(context: Context): Router {
  const router = Router()
  const providers = new Providers(context)
  const registration = new RegistrationStore(context.db, context.config)
  const runs = async (actor: Actor): Promise<boolean> =>
    roleGrants(actor.orgRole, 'organisation:write') && (await registration.isHome(actor.orgId))

  mount(router, context, listProviders, async ({ actor }) => {
    await context.catalogue.look()
    const all = await Promise.all([providers.list(actor, null), providers.ofInstallation(actor, await runs(actor))])
    return { items: all.flat() }
  })
  mount(router, context, createProvider, async ({ actor, body }) => providers.create(actor, null, body))
  mount(router, context, updateProvider, async ({ actor, params, body }) => providers.update(actor, null, params.providerId, body))
  mount(router, context, deleteProvider, async ({ actor, params }) => providers.remove(actor, null, params.providerId))
  mount(router, context, checkProvider, async ({ actor, params }) => providers.check(actor, null, params.providerId))
  mount(router, context, setProviderModel, async ({ actor, params, body }) => {
    const all = [...(await providers.list(actor, null)), ...(await providers.ofInstallation(actor, false))]
    if (!all.some(({ id }) => id === params.providerId)) throw new HelixError('not_found')
    await providers.store.setPrice(actor.orgId, params.providerId, body.model, body, actor.userId)
    await context.catalogue.changed(actor.orgId)
    const snapshot = await context.catalogue.snapshotOf(actor.orgId)
    const known = snapshot.providersOf(null).find(({ id }) => id === params.providerId)
    const facts = known === undefined ? { ...body, from: 'own' as const } : snapshot.factsOf(known, body.model)
    return { id: body.model, price: facts.price, maxOutputTokens: facts.maxOutputTokens, priceFrom: facts.from }
  })

  const allowed = async (actor: Actor): Promise<boolean> => (await context.catalogue.snapshotOf(actor.orgId)).ownKeys
  const requireAllowed = async (actor: Actor): Promise<void> => {
    if (!(await allowed(actor))) throw new HelixError('forbidden', 'This organisation does not use own keys of people.')
  }
  mount(router, context, listOwnProviders, async ({ actor }) => ({
    items: await providers.list(actor, actor.userId),
    allowed: await allowed(actor),
  }))
  mount(router, context, createOwnProvider, async ({ actor, body }) => {
    await requireAllowed(actor)
    return providers.create(actor, actor.userId, body)
  })
  mount(router, context, updateOwnProvider, async ({ actor, params, body }) =>
    providers.update(actor, actor.userId, params.providerId, body),
  )
  mount(router, context, deleteOwnProvider, async ({ actor, params }) => providers.remove(actor, actor.userId, params.providerId))
  mount(router, context, checkOwnProvider, async ({ actor, params }) => providers.check(actor, actor.userId, params.providerId))
  return router
}
