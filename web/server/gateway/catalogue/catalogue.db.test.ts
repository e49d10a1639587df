import type { ProviderId } from '@helix/contract/ids'
import type { ProviderInput } from '@helix/contract/providers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EventBus } from '../../events/bus.ts'
import { SecretStore } from '../../secrets/store.ts'
import { openTestContext, seedOrg, type TestContext } from '../../testing/context.ts'
import { openCatalogue } from './open.ts'
import { ProviderStore } from './providers/store.ts'
import { RulesStore } from './rules/store.ts'
import { catalogueTopic, notifyCatalogue } from './store.ts'

let context: TestContext
let providers: ProviderStore
beforeAll(async () => {
  context = await openTestContext()
  providers = new ProviderStore(context.db, context.sealing)
})
afterAll(() => context?.[Symbol.asyncDispose]())

const input = (name: string): Omit<ProviderInput, 'keys' | 'baseUrl'> & { baseUrl: string } => ({
  ...{
    name,
    kind: 'openai_compatible' as const,
    baseUrl: 'https://models.example.com/v1',
    settings: {},
    rank: 0,
    weight: 1,
    enabled: true,
  },
  ...{ region: null, allowedModels: ['m'] },
})
const key = (value: string) => ({ value, weight: 1, enabled: true })

async function seeded(value = 'sk-first-secret') {
  const { orgId, userId } = await seedOrg(context)
  const id = (await providers.insert(orgId, null, input('one'), [key(value)], userId)) as ProviderId
  return { orgId, userId, id, who: { orgId, projectId: null, userId: null } }
}

test('the second answer comes from memory, in the same turn', async () => {
  const { who } = await seeded()
  expect(await context.catalogue.candidates(who, 'm')).toMatchObject([
    { provider: 'one', guarded: true, key: { secret: 'sk-first-secret' } },
  ])
  expect(context.catalogue.candidates(who, 'm')).toBeInstanceOf(Array)
  expect(context.catalogue.policyOf(who)).toMatchObject({ models: null, headers: {} })
})

test('nothing of another organisation is ever answered', async () => {
  const { who } = await seeded()
  const stranger = await seedOrg(context)
  expect(await context.catalogue.candidates({ ...who, orgId: stranger.orgId }, 'm')).toEqual([])
  expect(await context.catalogue.demo({ ...who, orgId: stranger.orgId })).toBe(true)
  expect(await context.catalogue.demo(who)).toBe(false)
})

test('a key is never in the database as it is, and opens in its place only', async () => {
  const { orgId } = await seeded('sk-very-secret-value')
  const rows = await context.db('provider_keys').where({ org_id: orgId })
  expect(JSON.stringify(rows)).not.toContain('very-secret')
  expect(rows[0]).toMatchObject({ hint: 'alue' })
})

test('what changed holds at once here', async () => {
  const { orgId, userId, id, who } = await seeded()
  await context.catalogue.candidates(who, 'm')
  await providers.update(orgId, null, id, {}, [key('sk-second-secret')], undefined, userId)
  await context.catalogue.changed(orgId)
  expect(await context.catalogue.candidates(who, 'm')).toMatchObject([{ key: { secret: 'sk-second-secret' } }])
  expect(await providers.remove(orgId, null, id)).toBe(true)
  await context.catalogue.changed(orgId)
  expect(await context.catalogue.candidates(who, 'm')).toEqual([])
})

test('what changes while it is read is read again', async () => {
  const { orgId, userId, id, who } = await seeded()
  await context.catalogue.changed(orgId)
  const reading = context.catalogue.candidates(who, 'm')
  await providers.update(orgId, null, id, {}, [key('sk-second-secret')], undefined, userId)
  await context.catalogue.changed(orgId)
  await reading
  expect(await context.catalogue.candidates(who, 'm')).toMatchObject([{ key: { secret: 'sk-second-secret' } }])
})

test('what another process changed holds here too', async () => {
  const { orgId, id, who } = await seeded()
  expect(await context.catalogue.candidates(who, 'm')).toHaveLength(1)
  await providers.remove(orgId, null, id)
  await notifyCatalogue(context.db, orgId)
  // The embedded database has no other process, and tells nobody.
  if (context.dialect === 'pglite') context.bus.wake(catalogueTopic(orgId))
  await expect.poll(() => Promise.resolve(context.catalogue.candidates(who, 'm'))).toEqual([])
})

test('a key whose sealing key is gone is left out, and its provider with the last one', async () => {
  const { orgId, id, who } = await seeded()
  await context.db('provider_keys').where({ org_id: orgId }).update({ secret: 'v1:gone:AAAA:BBBB' })
  await context.catalogue.changed(orgId)
  expect(await context.catalogue.candidates(who, 'm')).toEqual([])
  await providers.update(orgId, null, id, {}, [{ ...key('sk-new-secret') }], undefined, (await context.db('users').first('id')).id)
  await context.catalogue.changed(orgId)
  expect(await context.catalogue.candidates(who, 'm')).toHaveLength(1)
})

test('a provider that is switched off is not asked', async () => {
  const { orgId, userId, id, who } = await seeded()
  await providers.update(orgId, null, id, { enabled: false }, undefined, undefined, userId)
  await context.catalogue.changed(orgId)
  expect(await context.catalogue.candidates(who, 'm')).toEqual([])
})

test('rules hold for the project that they are of, and its secrets are masked by name', async () => {
  const { orgId, userId, who } = await seeded()
  const projectId = context.newId('project')
  await context.db('projects').insert({
    id: projectId,
    org_id: orgId,
    name: 'P',
    description: '',
    planning_limit: 1,
    implementing_limit: 1,
    agent_runtime: 'goose_code',
  })
  const secrets = new SecretStore(context.db, context.sealing)
  await secrets.insert(context.db, orgId, null, { name: 'OF_ORG', value: 'org-value', exposure: 'environment' }, userId)
  await secrets.insert(context.db, orgId, projectId, { name: 'OF_PROJECT', value: 'project-value', exposure: 'startup' }, userId)
  const rules = { models: ['other'], regions: null, headers: { 'X-Cost-Centre': 'secret-centre' }, maskSecrets: true, choose: null }
  await new RulesStore(context.db, context.sealing).set(orgId, projectId, rules, null, userId)
  await context.catalogue.changed(orgId)
  const inProject = { ...who, projectId }
  expect(await context.catalogue.candidates(inProject, 'm')).toEqual([])
  expect(await context.catalogue.candidates(who, 'm')).toHaveLength(1)
  const policy = await context.catalogue.policyOf(inProject)
  expect(policy.headers).toEqual({ 'x-cost-centre': 'secret-centre' })
  expect(policy.masked.map(({ name }) => name).toSorted()).toEqual(['OF_ORG', 'OF_PROJECT'])
  expect(await context.catalogue.policyOf(who)).toMatchObject({ masked: [], headers: {} })
  expect(JSON.stringify(await context.db('model_rules').where({ org_id: orgId }))).not.toContain('secret-centre')
})

test('of two who set rules from the same state, one is told', async () => {
  const { orgId, userId } = await seeded()
  const store = new RulesStore(context.db, context.sealing)
  const set = () => store.set(orgId, null, { headers: {}, models: ['x'] }, null, userId)
  expect((await Promise.all([set(), set()])).toSorted()).toEqual([false, true])
  const kept = await store.find(orgId, null)
  const again = () => store.set(orgId, null, { headers: {}, models: ['y'] }, kept?.changedAt, userId)
  expect((await Promise.all([again(), again()])).toSorted()).toEqual([false, true])
})

test('while the database is away, what was read before still answers', async () => {
  const { who } = await seeded()
  let away = false
  const db = new Proxy(context.db, {
    apply: (target, self, args) => {
      if (away) throw new Error('away')
      return Reflect.apply(target, self, args)
    },
  })
  using other = openCatalogue({ ...context, db, bus: new EventBus() })
  await other.candidates(who, 'm')
  away = true
  expect(other.candidates(who, 'm')).toHaveLength(1)
})
