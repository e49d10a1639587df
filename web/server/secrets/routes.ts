import { HelixError } from '@helix/contract/errors'
import type { ProjectId, SecretId } from '@helix/contract/ids'
import {
  createProjectSecret,
  createSecret,
  deleteProjectSecret,
  deleteSecret,
  listProjectSecrets,
  listSecrets,
  type Secret,
  updateProjectSecret,
  updateSecret,
} from '@helix/contract/secrets'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { type Actor, mount } from '../http/mount.ts'
import { type NewSecret, type SecretChange, SecretStore } from './store.ts'

/** Secrets of the organisation and of projects; no answer holds a value. */
export function secretRoutes(context: Context): Router {
  const router = Router()
  const store = new SecretStore(context.db, context.sealing)

  const get = async (actor: Actor, scope: ProjectId | null, id: SecretId): Promise<Secret> => {
    const found = (await store.list(actor.orgId, scope)).find((secret) => secret.id === id)
    if (found === undefined) throw new HelixError('not_found')
    return found
  }
  const create = async (actor: Actor, scope: ProjectId | null, body: NewSecret): Promise<Secret> => {
    const id = await store.insert(context.db, actor.orgId, scope, body, actor.userId)
    if (id === null)
      throw new HelixError('conflict', `There is a secret ${body.name} already: replace its value.`, {
        fields: { name: 'taken: replace the value of that one' },
      })
    // What is masked in calls of models changes with it.
    await context.catalogue.changed(actor.orgId)
    return get(actor, scope, id)
  }
  const update = async (actor: Actor, scope: ProjectId | null, id: SecretId, change: SecretChange): Promise<Secret> => {
    const done = await store.update(context.db, actor.orgId, scope, id, change, actor.userId)
    if (done) await context.catalogue.changed(actor.orgId)
    const now = await get(actor, scope, id)
    if (done) return now
    const who = now.changedBy ?? 'Somebody'
    throw new HelixError('conflict', `${who} has changed ${now.name} since you opened it. Yours is not saved.`, {
      changedAt: now.changedAt,
    })
  }
  const remove = async (actor: Actor, scope: ProjectId | null, id: SecretId): Promise<Record<string, never>> => {
    if (!(await store.remove(actor.orgId, scope, id))) throw new HelixError('not_found')
    await context.catalogue.changed(actor.orgId)
    return {}
  }

  mount(router, context, listSecrets, async ({ actor }) => ({ items: await store.list(actor.orgId, null) }))
  mount(router, context, createSecret, async ({ actor, body }) => create(actor, null, body))
  mount(router, context, updateSecret, async ({ actor, params, body }) => update(actor, null, params.secretId, body))
  mount(router, context, deleteSecret, async ({ actor, params }) => remove(actor, null, params.secretId))
  mount(router, context, listProjectSecrets, async ({ actor, params }) => ({ items: await store.list(actor.orgId, params.projectId) }))
  mount(router, context, createProjectSecret, async ({ actor, params, body }) => create(actor, params.projectId, body))
  mount(router, context, updateProjectSecret, async ({ actor, params, body }) => update(actor, params.projectId, params.secretId, body))
  mount(router, context, deleteProjectSecret, async ({ actor, params }) => remove(actor, params.projectId, params.secretId))
  return router
}
