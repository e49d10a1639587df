import type { ProjectId, UserId } from '@helix/contract/ids'
import { organisationModelRules, projectModelRules } from '@helix/contract/models'
import { expect, test } from 'vitest'
import type { Installation } from './installation.ts'
import type { KnownProvider } from './provider.ts'
import { factsKey, type OfOrganisation, Snapshot } from './snapshot.ts'

const me = 'usr_me' as UserId
const project = 'prj_1' as ProjectId
const nobody = { projectId: null, userId: null }
const mine = { projectId: null, userId: me }

function provider(name: string, values: Partial<KnownProvider> = {}): KnownProvider {
  return {
    ...{
      id: `id-${name}`,
      name,
      kind: 'openai_compatible',
      scope: 'organisation',
      userId: null,
      baseUrl: `https://${name}.example.com/v1`,
    },
    ...{
      settings: {},
      region: null,
      guarded: true,
      rank: 0,
      weight: 1,
      keys: [{ id: `key-${name}`, secret: `secret-${name}`, weight: 1 }],
    },
    ...{ allowed: null, listed: [], facts: new Map(), ...values },
  }
}

interface Given extends Partial<Omit<OfOrganisation, 'rules' | 'projects'>> {
  installed?: KnownProvider[]
  installation?: Partial<Installation>
  rules?: object
  project?: object
}

function snapshot({ installed = [], installation, rules = {}, project: ofProject, ...own }: Given): Snapshot {
  return new Snapshot(
    {
      providers: installed.map((one) => ({ ...one, scope: 'installation', guarded: false })),
      aliases: new Map(),
      defaultModel: null,
      demo: false,
      ...installation,
    },
    {
      ...{ providers: [], facts: new Map(), aliases: new Map(), secrets: new Map(), ...own },
      rules: organisationModelRules.parse(rules),
      projects: new Map(ofProject === undefined ? [] : [[project, projectModelRules.parse(ofProject)]]),
    },
  )
}

const names = (found: readonly { provider: string; model: string }[]) => found.map((one) => `${one.provider}/${one.model}`)

test('own keys go before the organisation’s, and those before the installation’s, by rank', () => {
  const shot = snapshot({
    providers: [
      provider('org-second', { rank: 1, allowed: ['m'] }),
      provider('org-first', { allowed: ['m'] }),
      provider('own', { scope: 'person', userId: me, rank: 9, allowed: ['m'] }),
      provider('other', { scope: 'person', userId: 'usr_other' as UserId, allowed: ['m'] }),
    ],
    installed: [provider('installed', { allowed: ['m'] })],
  })
  expect(names(shot.candidates(mine, 'm'))).toEqual(['own/m', 'org-first/m', 'org-second/m', 'installed/m'])
  expect(names(shot.candidates(nobody, 'm'))).toEqual(['org-first/m', 'org-second/m', 'installed/m'])
  expect(shot.candidates(mine, 'm').map(({ guarded }) => guarded)).toEqual([true, true, true, false])
})

test('where the organisation does not use keys of people, they are not used', () => {
  const shot = snapshot({ providers: [provider('own', { scope: 'person', userId: me, allowed: ['m'] })], rules: { ownKeys: false } })
  expect(shot.candidates(mine, 'm')).toEqual([])
  expect(shot.demo(me)).toBe(true)
})

test('several keys share the weight of their provider', () => {
  const keys = [1, 3].map((weight) => ({ id: `k${weight}`, secret: 's', weight }))
  const found = snapshot({ providers: [provider('a', { weight: 8, keys, allowed: ['m'] })] }).candidates(nobody, 'm')
  expect(found.map(({ key, weight }) => [key.id, weight])).toEqual([
    ['k1', 2],
    ['k3', 6],
  ])
})

test('a model that nobody lists goes to who is at home with such names, else to all who take everything', () => {
  const installed = [
    provider('openai', { kind: 'openai' }),
    provider('anthropic', { kind: 'anthropic' }),
    provider('listed', { allowed: ['m'] }),
  ]
  const shot = snapshot({ installed })
  expect(names(shot.candidates(nobody, 'claude-of-tomorrow'))).toEqual(['anthropic/claude-of-tomorrow'])
  expect(names(shot.candidates(nobody, 'gpt-99'))).toEqual(['openai/gpt-99'])
  expect(names(shot.candidates(nobody, 'whatever'))).toEqual(['openai/whatever', 'anthropic/whatever'])
  expect(names(shot.candidates(nobody, 'm'))).toEqual(['listed/m'])
})

test('a provider can be named before the model, unless a model has that very name', () => {
  const shot = snapshot({
    providers: [
      provider('Router', { listed: ['openai/gpt-5'] }),
      provider('openai', { kind: 'openai', listed: ['gpt-5'] }),
      provider('b', { listed: ['gpt-5'] }),
    ],
  })
  expect(names(shot.candidates(nobody, 'openai/gpt-5'))).toEqual(['Router/openai/gpt-5'])
  expect(names(shot.candidates(nobody, 'b/gpt-5'))).toEqual(['b/gpt-5'])
  expect(names(shot.candidates(nobody, 'gpt-5'))).toEqual(['openai/gpt-5', 'b/gpt-5'])
})

test('an alias tries its models in their order, whoever has them', () => {
  const shot = snapshot({
    providers: [provider('a', { allowed: ['second'] })],
    installed: [provider('z', { allowed: ['first', 'second'] })],
    aliases: new Map([['reviewer', ['first', 'second']]]),
  })
  expect(names(shot.candidates(nobody, 'reviewer'))).toEqual(['z/first', 'a/second', 'z/second'])
})

test('fast and smart are there by themselves and may be replaced', () => {
  const listed = ['gpt-5-mini', 'claude-sonnet-4-5', 'claude-haiku-4-5']
  const providers = [provider('a', { listed })]
  expect(names(snapshot({ providers }).candidates(nobody, 'smart'))).toEqual(['a/claude-sonnet-4-5'])
  expect(names(snapshot({ providers }).candidates(nobody, 'fast'))).toEqual(['a/claude-haiku-4-5'])
  const given = snapshot({ providers, aliases: new Map([['fast', ['gpt-5-mini']]]) })
  expect(names(given.candidates(nobody, 'fast'))).toEqual(['a/gpt-5-mini'])
  expect(names(snapshot({ providers: [provider('llama', { listed: ['my-llama'] })] }).candidates(nobody, 'smart'))).toEqual([
    'llama/my-llama',
  ])
})

test('a project narrows what the organisation lets through, and never widens it', () => {
  const providers = [provider('a', { listed: ['claude-x', 'claude-y', 'gpt-z'] })]
  const shot = snapshot({ providers, rules: { models: ['claude-*'] }, project: { models: ['*-x', 'gpt-z'] } })
  const inProject = { projectId: project, userId: null }
  expect(names(shot.candidates(inProject, 'claude-x'))).toEqual(['a/claude-x'])
  for (const model of ['claude-y', 'gpt-z']) expect(shot.candidates(inProject, model), model).toEqual([])
  expect(names(shot.candidates(nobody, 'claude-y'))).toEqual(['a/claude-y'])
  expect(shot.offered(inProject).map(({ id, aliasOf }) => [id, aliasOf])).toEqual([
    ['smart', 'claude-x'],
    ['fast', 'claude-x'],
    ['claude-x', null],
  ])
})

test('an alias leads to no model that is not allowed, unless the alias itself is', () => {
  const providers = [provider('a', { listed: ['dear', 'cheap'] })]
  const aliases = new Map([['reviewer', ['dear', 'cheap']]])
  expect(names(snapshot({ providers, aliases, rules: { models: ['cheap'] } }).candidates(nobody, 'reviewer'))).toEqual(['a/cheap'])
  expect(names(snapshot({ providers, aliases, rules: { models: ['reviewer'] } }).candidates(nobody, 'reviewer'))).toEqual([
    'a/dear',
    'a/cheap',
  ])
})

test('a region rule leaves out providers of other regions and of none', () => {
  const providers = [
    provider('eu', { region: 'eu', listed: ['m'] }),
    provider('us', { region: 'us', listed: ['m'] }),
    provider('somewhere', { listed: ['m'] }),
    provider('cloud', { kind: 'bedrock', settings: { region: 'eu-central-1' }, listed: ['m'] }),
  ]
  expect(names(snapshot({ providers, rules: { regions: ['eu', 'eu-central-1'] } }).candidates(nobody, 'm'))).toEqual(['eu/m', 'cloud/m'])
  const both = snapshot({ providers, rules: { regions: ['eu'] }, project: { regions: ['us'] } })
  expect(both.candidates({ projectId: project, userId: null }, 'm')).toEqual([])
})

test('a price of the organisation goes before the file’s, and that before the published list', () => {
  const price = (input: number) => ({ input, output: 1, cachedInput: null, cacheWrite: null, long: null })
  const one = provider('a', { listed: ['gpt-5', 'gpt-4o', 'own'], facts: new Map([['gpt-4o', { price: price(2), maxOutputTokens: 9 }]]) })
  const facts = new Map([[factsKey('id-a', 'own'), { price: price(3), maxOutputTokens: null }]])
  const shot = snapshot({ providers: [one], facts })
  expect(shot.factsOf(one, 'gpt-5')).toMatchObject({ from: 'list', price: { input: 1_250_000 } })
  expect(shot.factsOf(one, 'gpt-4o')).toMatchObject({ from: 'file', price: { input: 2 }, maxOutputTokens: 9 })
  expect(shot.candidates(nobody, 'own')[0]).toMatchObject({ price: { input: 3 } })
  expect(shot.factsOf(one, 'unheard')).toEqual({ from: null, price: null, maxOutputTokens: null })
})

test('headers of a project take the place of the organisation’s, however they are written', () => {
  const shot = snapshot({ rules: { headers: { 'X-Cost': '1', 'X-Team': 'a' } }, project: { headers: { 'x-cost': '2' } } })
  expect(shot.policyOf(project).headers).toEqual({ 'x-cost': '2', 'x-team': 'a' })
  expect(shot.policyOf(null).headers).toEqual({ 'x-cost': '1', 'x-team': 'a' })
})

test('secrets are masked where the project says so, or the organisation for those that say nothing', () => {
  const secrets = new Map([
    [null, [{ name: 'ORG', value: 'of-the-org' }]],
    [
      project,
      [
        { name: 'ORG', value: 'of-the-org' },
        { name: 'OWN', value: 'of-the-project' },
      ],
    ],
  ])
  expect(snapshot({ secrets }).policyOf(project).masked).toEqual([])
  expect(snapshot({ secrets, rules: { maskSecrets: true } }).policyOf(project).masked).toHaveLength(2)
  expect(snapshot({ secrets, rules: { maskSecrets: true }, project: { maskSecrets: false } }).policyOf(project).masked).toEqual([])
  expect(snapshot({ secrets, project: { maskSecrets: true } }).policyOf(project).masked).toHaveLength(2)
  expect(snapshot({ secrets, rules: { maskSecrets: true } }).policyOf('prj_2' as ProjectId).masked).toHaveLength(1)
})

test('what was answered once is the same object again, and made-up names do not fill the memory', () => {
  const shot = snapshot({ providers: [provider('a', { listed: ['m'] })] })
  expect(shot.candidates(nobody, 'm')).toBe(shot.candidates(nobody, 'm'))
  for (let index = 0; index < 5000; index++) shot.candidates(nobody, `made-up-${index}`)
  expect(names(shot.candidates(nobody, 'm'))).toEqual(['a/m'])
})

test('agents get the chosen model, else one of their own dialect', () => {
  const installed = [
    provider('o', { kind: 'openai', listed: ['gpt-5'] }),
    provider('c', { kind: 'anthropic', listed: ['claude-sonnet-4-5'] }),
  ]
  expect(snapshot({ installed, installation: { defaultModel: 'chosen' } }).defaultModel(nobody, 'chat')).toBe('chosen')
  expect(snapshot({ installed }).defaultModel(nobody, 'chat')).toBe('gpt-5')
  expect(snapshot({ installed }).defaultModel(nobody, 'messages')).toBe('claude-sonnet-4-5')
  expect(snapshot({ installed: installed.slice(0, 1) }).defaultModel(nobody, 'messages')).toBe('gpt-5')
  expect(snapshot({}).defaultModel(nobody, 'chat')).toBe('demo-script')
})
