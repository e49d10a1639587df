import { checkProviders, getOnboarding, type Onboarding, type ProviderCheck, updateOnboarding } from '@helix/contract/onboarding'
import { roleGrants } from '@helix/contract/permissions'
import type { Host } from '@helix/contract/system'
import { Router } from 'express'
import { visibleProjects } from '../access/store.ts'
import type { Context } from '../context.ts'
import { ProviderStore } from '../gateway/catalogue/providers/store.ts'
import { checkOf } from '../gateway/check.ts'
import { inferenceOf } from '../gateway/providers.ts'
import { HostStore } from '../hosts/store.ts'
import { type Actor, mount } from '../http/mount.ts'
import { RegistrationStore } from '../identity/registration/store.ts'
import { OnboardingStore } from './store.ts'

/** The host that says most: one that works, else one that is there, else the last that was seen. */
function hostsOf(hosts: readonly Host[]): Onboarding['hosts'] {
  const online = hosts.filter((host) => host.online)
  const well = online.filter(({ problem }) => problem === null)
  const shown = well[0] ?? online[0] ?? hosts.toSorted((a, b) => (b.lastSeenAt ?? '').localeCompare(a.lastSeenAt ?? ''))[0]
  return {
    known: hosts.length,
    online: well.length,
    name: shown?.name ?? null,
    lastSeenAt: shown?.lastSeenAt ?? null,
    problem: shown?.problem ?? null,
  }
}

/** How an organisation comes to its first merged task. */
export function onboardingRoutes(context: Context): Router {
  const router = Router()
  const store = new OnboardingStore(context.db)
  const hosts = new HostStore(context.db)
  const registration = new RegistrationStore(context.db, context.config)
  const { providers, catalogue } = context
  const ownProviders = new ProviderStore(context.db, context.sealing)

  const runs = async (actor: Actor): Promise<boolean> =>
    roleGrants(actor.orgRole, 'organisation:write') && (await registration.isHome(actor.orgId))
  // Providers belong to the installation: their own words are for who runs it.
  const shown = (checks: readonly ProviderCheck[], all: boolean): ProviderCheck[] =>
    checks.map((check) => (all ? check : { ...check, detail: null }))

  /** What came of the last test of each of the organisation's own; they are tested when they are saved. */
  const checksOfOrganisation = async (actor: Actor): Promise<ProviderCheck[]> =>
    (await ownProviders.list(actor.orgId, null)).flatMap(({ row }) =>
      row.enabled && row.verdict !== null ? [checkOf(row, row.verdict)] : [],
    )

  mount(router, context, getOnboarding, async ({ actor }) => {
    const { orgId } = actor
    const visible = await visibleProjects(context.db, actor)
    const [state, administrators, runsInstallation, allHosts, repository, project, task] = await Promise.all([
      store.state(orgId),
      store.administrators(orgId),
      runs(actor),
      hosts.list(orgId),
      store.repository(orgId, visible),
      store.project(orgId, visible),
      store.furthestTask(orgId, visible),
    ])
    const [own, snapshot] = await Promise.all([checksOfOrganisation(actor), catalogue.snapshotOf(orgId)])
    const last = providers.demo ? [] : providers.checks.last()
    const checks = last === null || last.length + own.length === 0 ? null : [...shown(last, runsInstallation), ...own]
    const inference = { ...inferenceOf(snapshot, null), checks }
    return { ...state, administrators, runsInstallation, inference, hosts: hostsOf(allHosts), repository, project, task }
  })
  mount(router, context, updateOnboarding, async ({ actor, body }) => {
    await store.setDismissed(actor.orgId, body.dismissed)
    return { dismissed: body.dismissed }
  })
  mount(router, context, checkProviders, async ({ actor, body }) => ({
    items: [...shown(await providers.checks.look(body.fresh), await runs(actor)), ...(await checksOfOrganisation(actor))],
  }))
  return router
}
