import { HelixError } from '@helix/contract/errors'
import type { ProjectId } from '@helix/contract/ids'
import {
  getModelRules,
  getProjectModelRules,
  listModelAliases,
  listModels,
  type OfferedModel,
  organisationModelRules,
  projectModelRules,
  setModelAliases,
  setModelRules,
  setProjectModelRules,
  standardAliases,
} from '@helix/contract/models'
import { Router } from 'express'
import type { Context } from '../../../context.ts'
import { type Actor, mount } from '../../../http/mount.ts'
import { type Kept, RulesStore } from './store.ts'

const changedOf = (kept: Kept | null) => ({ changedBy: kept?.changedBy ?? null, changedAt: kept?.changedAt ?? null })

const outdated = (kept: Kept | null): HelixError =>
  new HelixError('conflict', `${kept?.changedBy ?? 'Somebody'} has changed this since you opened it. Yours is not saved.`, {
    changedAt: kept?.changedAt ?? null,
  })

/** Which models, regions and headers hold where, and what models are called. */
export function modelRoutes(context: Context): Router {
  const router = Router()
  const store = new RulesStore(context.db, context.sealing)
  const { catalogue } = context
  const whole = (actor: Actor) => ({ orgId: actor.orgId, projectId: null, userId: actor.userId })

  const ofOrganisation = async (actor: Actor) => {
    const kept = await store.find(actor.orgId, null)
    return { ...organisationModelRules.parse(kept?.rules ?? {}), ...changedOf(kept) }
  }
  const ofProject = async (actor: Actor, projectId: ProjectId) => {
    const kept = await store.find(actor.orgId, projectId)
    const { models, regions, maskSecrets, choose } = await ofOrganisation(actor)
    return { ...projectModelRules.parse(kept?.rules ?? {}), ...changedOf(kept), organisation: { models, regions, maskSecrets, choose } }
  }
  const aliasesOf = async (actor: Actor) => {
    const [given, snapshot] = await Promise.all([store.aliases(actor.orgId), catalogue.snapshotOf(actor.orgId)])
    const standard = standardAliases.filter((name) => !given.some(({ alias }) => alias === name)).map((alias) => ({ alias, models: [] }))
    return [...standard, ...given].map((one) => ({ ...one, standsFor: snapshot.candidates(whole(actor), one.alias)[0]?.model ?? null }))
  }

  mount(router, context, listModels, async ({ actor }) => {
    const [offered, demo] = await Promise.all([catalogue.offered(whole(actor)), catalogue.demo(whole(actor))])
    const items = offered.map(
      ({ id, provider, known, aliasOf, facts }): OfferedModel => ({
        ...{ id, provider, aliasOf, kind: known?.kind ?? null, scope: known?.scope ?? null, region: known?.region ?? null },
        ...{ price: facts.price, maxOutputTokens: facts.maxOutputTokens },
      }),
    )
    return { items, demo }
  })
  mount(router, context, listModelAliases, async ({ actor }) => {
    await catalogue.look()
    return { items: await aliasesOf(actor) }
  })
  mount(router, context, setModelAliases, async ({ actor, body }) => {
    const twice = body.items.findIndex(({ alias }, index) => body.items.findIndex((other) => other.alias === alias) !== index)
    if (twice >= 0)
      throw new HelixError('invalid_request', `items.${twice}.alias: is there twice`, {
        fields: { [`items.${twice}.alias`]: 'is there twice' },
      })
    const empty = body.items.findIndex(({ alias, models }) => models.length === 0 && !standardAliases.some((one) => one === alias))
    if (empty >= 0)
      throw new HelixError('invalid_request', `items.${empty}.models: name a model`, {
        fields: { [`items.${empty}.models`]: 'name a model' },
      })
    await store.setAliases(
      actor.orgId,
      body.items.filter(({ models }) => models.length > 0),
    )
    await catalogue.changed(actor.orgId)
    return { items: await aliasesOf(actor) }
  })
  mount(router, context, getModelRules, async ({ actor }) => ofOrganisation(actor))
  mount(router, context, setModelRules, async ({ actor, body }) => {
    const { expectedChangedAt, ...rules } = body
    if (!(await store.set(actor.orgId, null, rules, expectedChangedAt, actor.userId))) throw outdated(await store.find(actor.orgId, null))
    await catalogue.changed(actor.orgId)
    return ofOrganisation(actor)
  })
  mount(router, context, getProjectModelRules, async ({ actor, params }) => ofProject(actor, params.projectId))
  mount(router, context, setProjectModelRules, async ({ actor, params, body }) => {
    const { expectedChangedAt, ...rules } = body
    if (!(await store.set(actor.orgId, params.projectId, rules, expectedChangedAt, actor.userId)))
      throw outdated(await store.find(actor.orgId, params.projectId))
    await catalogue.changed(actor.orgId)
    return ofProject(actor, params.projectId)
  })
  return router
}
