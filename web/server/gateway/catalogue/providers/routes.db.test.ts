import { listAudit } from '@helix/contract/audit'
import { getModelRules, listModelAliases, listModels, setModelAliases, setModelRules } from '@helix/contract/models'
import {
  checkProvider,
  createOwnProvider,
  createProvider,
  deleteProvider,
  listOwnProviders,
  listProviders,
  setProviderModel,
  updateProvider,
} from '@helix/contract/providers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestServer, type Person, type TestServer } from '../../../testing/server.ts'
import { type MockProvider, openMockProvider, well } from '../mock-provider.testing.ts'

let server: TestServer
let mock: MockProvider
let person: Person
beforeAll(async () => {
  mock = await openMockProvider(...well)
  server = await openTestServer({ HELIX_ALLOW_PRIVATE_PROVIDERS: '1' })
  person = await server.addPerson()
})
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await mock?.[Symbol.asyncDispose]()
})

const secret = 'sk-a-secret-of-the-organisation'
const body = (name: string, values: object = {}) => ({
  ...{ name, kind: 'openai_compatible' as const, baseUrl: `${mock.origin}/v1`, keys: [{ value: secret }] },
  ...values,
})

test('a provider that is saved is asked for its models and for a few tokens, and its key is not shown', async () => {
  mock.asked.length = 0
  const made = await person.call(createProvider, { body: body('Saved') })
  expect(made).toMatchObject({
    ...{
      name: 'Saved',
      scope: 'organisation',
      check: { ok: true, problem: null, model: 'gpt-5-mini' },
      keys: [{ label: 'Key 1', hint: 'tion' }],
    },
    models: [
      { id: 'gpt-5-mini', priceFrom: 'list' },
      { id: 'own-model', price: null, priceFrom: null },
    ],
  })
  expect(JSON.stringify(made)).not.toContain(secret)
  expect(mock.asked.map(({ url, headers }) => [url, headers.authorization])).toEqual([
    ['/v1/models', `Bearer ${secret}`],
    ['/v1/chat/completions', `Bearer ${secret}`],
  ])
  expect(JSON.stringify(await person.call(listProviders, {}))).not.toContain(secret)
})

test.each([
  ['anthropic', '/v1/messages', 'x-api-key', 'claude-haiku-4-5'],
  ['gemini', '/v1beta/models/gemini-2.5-flash:generateContent', 'x-goog-api-key', 'gemini-2.5-flash'],
  ['azure_openai', '/openai/v1/chat/completions', 'api-key', 'gpt-5-mini'],
] as const)('a provider of kind %s is asked in its own way', async (kind, url, header, model) => {
  mock.asked.length = 0
  const made = await person.call(createProvider, { body: body(`Kind ${kind}`, { kind, baseUrl: mock.origin, allowedModels: [model] }) })
  expect(made.check).toMatchObject({ ok: true, model })
  expect(mock.asked.at(-1)).toMatchObject({ url, headers: { [header]: secret } })
})

test('every key is asked, and the one that is refused is named', async () => {
  await using picky = await openMockProvider([/models/, 200, { data: [{ id: 'm' }] }], [/completions/, 401, { error: `no ${secret}` }])
  const keys = [{ value: secret }, { value: 'sk-another-secret' }]
  const made = await person.call(createProvider, { body: body('Two keys', { baseUrl: `${picky.origin}/v1`, keys }) })
  expect(made.check).toMatchObject({ ok: false, problem: 'Key 1 of 2: Two keys refuses the key.', fix: 'Set a valid key.' })
  expect(made.check?.detail).toContain('401')
  expect(JSON.stringify(made)).not.toContain(secret)
})

test.each([
  [401, 'Listless refuses the key.'],
  [503, 'Listless has a fault of its own.'],
  [404, 'Nothing says which models it has, so it was not asked.'],
])('a provider that answers %i to the question for its models is explained', async (status, problem) => {
  await using listless = await openMockProvider([/models/, status, { error: 'no' }])
  const made = await person.call(createProvider, { body: body('Listless', { baseUrl: `${listless.origin}/v1` }) })
  expect(made.check).toMatchObject({ ok: false, problem, model: null })
  await person.call(deleteProvider, { params: { providerId: made.id as never } })
})

test('a key may stay while all else changes, be replaced, and be left out', async () => {
  const made = await person.call(createProvider, {
    body: body('Keys', { keys: [{ value: secret, label: 'First' }, { value: 'sk-second-secret-value' }] }),
  })
  const params = { providerId: made.id as never }
  const [first, second] = made.keys
  mock.asked.length = 0
  const changed = await person.call(updateProvider, {
    params,
    body: { name: 'Keys again', keys: [{ id: first?.id as never }, { id: second?.id as never, value: 'sk-third-secret-value' }] },
  })
  expect(changed.keys.map(({ id, label }) => [id, label])).toEqual([
    [first?.id, 'First'],
    [second?.id, 'Key 2'],
  ])
  expect(
    mock.asked
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers.authorization)
      .toSorted(),
  ).toEqual([`Bearer ${secret}`, 'Bearer sk-third-secret-value'])
  const fewer = await person.call(updateProvider, { params, body: { keys: [{ id: second?.id as never }] } })
  expect(fewer.keys.map(({ id }) => id)).toEqual([second?.id])
})

test('a key is not sent to another server by who does not know it', async () => {
  const made = await person.call(createProvider, { body: body('Moved') })
  const params = { providerId: made.id as never }
  await using elsewhere = await openMockProvider(...well)
  const move = { baseUrl: `${elsewhere.origin}/v1` }
  await expect(person.call(updateProvider, { params, body: move })).rejects.toMatchObject({
    code: 'invalid_request',
    details: { fields: { baseUrl: expect.stringContaining('another server') } },
  })
  await expect(person.call(updateProvider, { params, body: { ...move, keys: [{ id: made.keys[0]?.id as never }] } })).rejects.toMatchObject(
    { code: 'invalid_request' },
  )
  expect(elsewhere.asked).toEqual([])
  await person.call(updateProvider, { params, body: { ...move, keys: [{ value: 'sk-given-again-for-it' }] } })
  expect(elsewhere.asked.every(({ headers }) => headers.authorization === 'Bearer sk-given-again-for-it')).toBe(true)
})

test('a name is there once, and another person’s change is not overwritten', async () => {
  const made = await person.call(createProvider, { body: body('Once') })
  await expect(person.call(createProvider, { body: body('once') })).rejects.toMatchObject({
    code: 'conflict',
    details: { fields: { name: expect.any(String) } },
  })
  const params = { providerId: made.id as never }
  await person.call(updateProvider, { params, body: { rank: 1 } })
  await expect(
    person.call(updateProvider, { params, body: { rank: 2, expectedChangedAt: made.changedAt as string } }),
  ).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('Test Person has changed Once'),
  })
})

test.each([
  [{ kind: 'vertex', baseUrl: undefined, settings: { project: 'p' } }, 'settings.location'],
  [{ kind: 'bedrock', baseUrl: undefined, settings: { region: 'evil.example.com/x' } }, 'settings.region'],
  [{ baseUrl: undefined }, 'baseUrl'],
  [{ baseUrl: 'https://user:pass@models.example.com' }, 'baseUrl'],
  [{ keys: [{ label: 'without a value' }] }, 'keys.0.value'],
  [{ allowedModels: [] }, 'allowedModels'],
  [{ region: 'Europe!' }, 'region'],
])('a fault names its field: %j', async (values, field) => {
  await expect(person.call(createProvider, { body: body('Faulty', values) as never })).rejects.toMatchObject({
    code: 'invalid_request',
    details: { fields: { [field]: expect.any(String) } },
  })
})

test('a stranger sees, changes and tests nothing', async () => {
  const made = await person.call(createProvider, { body: body('Hidden') })
  const stranger = await server.addPerson()
  const params = { providerId: made.id as never }
  for (const asked of [
    () => stranger.call(updateProvider, { params, body: { name: 'mine' } }),
    () => stranger.call(checkProvider, { params }),
    () => stranger.call(deleteProvider, { params }),
    () => stranger.call(setProviderModel, { params: { providerId: made.id }, body: { model: 'm', price: null } }),
  ])
    await expect(asked()).rejects.toMatchObject({ code: 'not_found' })
  expect(JSON.stringify(await stranger.call(listProviders, {}))).not.toContain('Hidden')
})

test('a price that is set holds, and without one the list’s holds again', async () => {
  const made = await person.call(createProvider, { body: body('Prices') })
  const price = { input: 5, output: 6, cachedInput: null, cacheWrite: null, long: null }
  const at = { params: { providerId: made.id } }
  expect(await person.call(setProviderModel, { ...at, body: { model: 'gpt-5-mini', price } })).toMatchObject({ price, priceFrom: 'own' })
  expect(await person.call(setProviderModel, { ...at, body: { model: 'gpt-5-mini', price: null } })).toMatchObject({ priceFrom: 'list' })
})

test('own keys of a person are theirs alone, and an organisation may do without', async () => {
  const someone = await server.addPerson()
  await someone.call(createOwnProvider, { body: body('Mine') })
  expect(await someone.call(listOwnProviders, {})).toMatchObject({ allowed: true, items: [{ name: 'Mine', scope: 'person' }] })
  expect((await someone.call(listProviders, {})).items).toEqual([])
  expect((await someone.call(listModels, {})).items.map(({ id }) => id)).toContain('own-model')
  await someone.call(setModelRules, { body: { ownKeys: false } })
  expect(await someone.call(getModelRules, {})).toMatchObject({ ownKeys: false, changedBy: 'Test Person' })
  await expect(someone.call(createOwnProvider, { body: body('More') })).rejects.toMatchObject({ code: 'forbidden' })
  expect((await someone.call(listModels, {})).items).toEqual([])
})

test('own keys of a person go with their membership', async () => {
  const someone = await server.addPerson()
  const { db } = server.context
  await someone.call(createOwnProvider, { body: body('Mine') })
  await db('memberships').where({ org_id: someone.orgId, user_id: someone.userId }).delete()
  expect(await db('provider_keys').where({ org_id: someone.orgId })).toEqual([])
})

test('aliases are set as one list', async () => {
  const someone = await server.addPerson()
  await someone.call(createProvider, { body: body('Any') })
  const items = [{ alias: 'reviewer', models: ['own-model'] }]
  expect((await someone.call(setModelAliases, { body: { items } })).items).toEqual([
    { alias: 'fast', models: [], standsFor: 'gpt-5-mini' },
    { alias: 'smart', models: [], standsFor: 'gpt-5-mini' },
    { alias: 'reviewer', models: ['own-model'], standsFor: 'own-model' },
  ])
  expect((await someone.call(listModels, {})).items.map(({ id, aliasOf }) => [id, aliasOf])).toContainEqual(['reviewer', 'own-model'])
  await expect(someone.call(setModelAliases, { body: { items: [...items, ...items] } })).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(someone.call(setModelAliases, { body: { items: [{ alias: 'empty', models: [] }] } })).rejects.toMatchObject({
    code: 'invalid_request',
  })
  await someone.call(setModelAliases, { body: { items: [] } })
  expect((await someone.call(listModelAliases, {})).items.map(({ alias }) => alias)).toEqual(['fast', 'smart'])
})

test.each([
  [{ headers: { Authorization: 'Bearer x' } }],
  [{ headers: { 'X-A': 'one\r\nX-B: two' } }],
  [{ headers: { 'X A': 'one' } }],
  [{ headers: { 'X-A': '1', 'x-a': '2' } }],
  [{ regions: ['Not A Region'] }],
])('rules that would break calls are refused: %j', async (rules) => {
  await expect(person.call(setModelRules, { body: rules as never })).rejects.toMatchObject({ code: 'invalid_request' })
})

test('what was done is in the audit log, without keys', async () => {
  const made = await person.call(createProvider, { body: body('Audited') })
  await person.call(deleteProvider, { params: { providerId: made.id as never } })
  const log = JSON.stringify(await person.call(listAudit, { query: {} }))
  expect(log).toContain('createProvider')
  expect(log).toContain('deleteProvider')
  expect(log).toContain('Audited')
  expect(log).not.toContain(secret)
})

test('on an installation that does not allow it, the own network is no provider', async () => {
  await using closed = await openTestServer()
  const someone = await closed.addPerson()
  await expect(someone.call(createProvider, { body: body('Inside') })).rejects.toMatchObject({
    code: 'invalid_request',
    details: { fields: { baseUrl: expect.stringContaining('https') } },
  })
  const inside = { ...body('Inside'), baseUrl: 'https://127.0.0.1/v1' }
  await expect(someone.call(createProvider, { body: inside })).rejects.toMatchObject({
    message: expect.stringContaining('not an address of the public internet'),
  })
  await expect(someone.call(createOwnProvider, { body: inside })).rejects.toMatchObject({
    message: expect.stringContaining('not an address of the public internet'),
  })
})
