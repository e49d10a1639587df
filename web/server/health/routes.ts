import { HelixError } from '@helix/contract/errors'
import { getHealth, listRetries } from '@helix/contract/health'
import { newestMigration } from '@helix/migrations'
import { Router } from 'express'
import type { Context } from '../context.ts'
import { type Actor, mount } from '../http/mount.ts'
import { RegistrationStore } from '../identity/registration/store.ts'
import { within } from './deadline.ts'

/** Units: milliseconds. */
const retriesMs = 6000

/** For who runs the installation: is it well, and what does Temporal try again? */
export function healthPageRoutes(context: Context): Router {
  const router = Router()
  const { config, health, temporal } = context
  const registration = new RegistrationStore(context.db, config)

  /** To administrators of every other organisation these are not there. */
  const requireHome = async (actor: Actor): Promise<void> => {
    if (!(await registration.isHome(actor.orgId))) throw new HelixError('not_found')
  }

  mount(router, context, getHealth, async ({ actor, query }) => {
    await requireHome(actor)
    const { at, parts } = await health.look(query.fresh === 'true')
    return {
      version: config.version,
      node: process.version,
      schema: newestMigration,
      startedAt: health.startedAt.toISOString(),
      lookedAt: at.toISOString(),
      parts,
      registration: (await registration.get()).registration,
      temporalUiUrl: config.TEMPORAL_UI_URL ?? null,
    }
  })
  mount(router, context, listRetries, async ({ actor }) => {
    await requireHome(actor)
    try {
      return { ...(await within(retriesMs, temporal.retries())), problem: null }
    } catch (error) {
      context.log.warn({ err: error }, 'retries could not be read')
      const reason = error instanceof HelixError ? error.message : 'Temporal does not answer.'
      return { items: [], looked: 0, more: false, problem: reason }
    }
  })
  return router
}
