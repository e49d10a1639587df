import { afterEach, expect, test } from 'vitest'
import { type MockProvider, openMockProvider } from './catalogue/mock-provider.testing.ts'
import type { KnownProvider } from './catalogue/provider.ts'
import { verdictOf } from './catalogue/verdict.ts'
import { ProviderChecks } from './check.ts'

let mock: MockProvider | undefined
afterEach(() => mock?.[Symbol.asyncDispose]())

function known(baseUrl: string, values: Partial<KnownProvider> = {}): KnownProvider {
  return {
    ...{
      id: 'env:openai',
      name: 'test',
      kind: 'openai_compatible',
      scope: 'installation',
      userId: null,
      baseUrl,
      settings: {},
      region: null,
    },
    ...{
      guarded: false,
      rank: 0,
      weight: 1,
      keys: [{ id: 'k', secret: 'sk-secret', weight: 1 }],
      allowed: null,
      listed: [],
      facts: new Map(),
    },
    ...values,
  }
}

async function provider(...answers: MockProvider['answers']) {
  mock = await openMockProvider([/models$/, 200, { data: [{ id: 'text-embedding-3-small' }, { id: 'a-model' }] }], ...answers)
  const one = known(`${mock.origin}/v1`)
  return { one, asked: mock.asked, checks: new ProviderChecks(() => ({ providers: [one], defaultModel: null }), null) }
}
const posted = (asked: MockProvider['asked']) => asked.filter(({ method }) => method === 'POST')

test('a provider is asked as agents ask it, with its key and for few tokens, and not an embedder for words', async () => {
  const { asked, checks } = await provider([/completions/, 200, { choices: [] }])
  expect(checks.last()).toBeNull()
  expect(await checks.look(false)).toMatchObject([
    { name: 'test', dialect: 'openai', model: 'a-model', ok: true, problem: null, fix: null },
  ])
  expect(posted(asked)).toMatchObject([
    { url: '/v1/chat/completions', headers: { authorization: 'Bearer sk-secret' }, body: { model: 'a-model', max_tokens: 16 } },
  ])
})

test('the model that agents get is the one that is tested', async () => {
  const { one, asked } = await provider([/completions/, 200, { choices: [] }])
  await new ProviderChecks(() => ({ providers: [one], defaultModel: 'chosen' }), null).look(true)
  expect(posted(asked)).toMatchObject([{ body: { model: 'chosen' } }])
})

test('of many who ask at once, one test serves all, and a good answer is believed for a while', async () => {
  const { asked, checks } = await provider([/completions/, 200, { choices: [] }])
  await Promise.all([checks.look(false), checks.look(true), checks.look(false)])
  await checks.look(false)
  await checks.look(true)
  expect(posted(asked)).toHaveLength(1)
})

test('a refused key is said with the variable to set, and is not repeated', async () => {
  const { checks } = await provider([/completions/, 401, { error: { message: 'Incorrect API key provided: sk-secret' } }])
  const [check] = await checks.look(true)
  expect(check).toMatchObject({ ok: false, problem: 'test refuses the key.', fix: expect.stringContaining('OPENAI_API_KEY') })
  expect(JSON.stringify(check)).not.toContain('sk-secret')
  expect(check?.detail).toContain('Incorrect API key')
})

test('a model that counts in its own words is asked again in them', async () => {
  const { asked, checks } = await provider([/completions/, 400, { error: { message: 'Use max_completion_tokens instead.' } }])
  await checks.look(true)
  expect(posted(asked).map(({ body }) => Object.keys(body ?? {})[1])).toEqual(['max_tokens', 'max_completion_tokens'])
})

test('who does not answer is said by name', async () => {
  const silent = known('http://127.0.0.1:1/v1')
  const [check] = await new ProviderChecks(() => ({ providers: [silent], defaultModel: 'm' }), null).look(true)
  expect(check).toMatchObject({ ok: false, problem: 'test does not answer.', fix: expect.stringContaining('OPENAI_BASE_URL') })
})

test('of a file and of an organisation the place to look at is another', () => {
  const of = (values: Partial<KnownProvider>) => verdictOf(known('http://x/v1', values), 'm', 401, '{}').fix
  expect(of({ id: 'file:a' })).toBe('Set a valid key in the providers file and start the control plane again.')
  expect(of({ id: 'prv_1', scope: 'organisation' })).toBe('Set a valid key.')
})

test.each([
  [200, '<html>hello</html>', /not as a model/],
  [302, '', /did not accept/],
  [400, '{"error":{"message":"API key not valid. Please pass a valid API key."}}', /refuses the key/],
  [404, '{}', /does not know the model a-model/],
  [429, '{}', /takes no more work/],
  [503, 'down', /fault of its own/],
])('an answer %i %s is explained', async (status, text, problem) => {
  const verdict = verdictOf(known('http://x/v1'), 'a-model', status, text)
  expect(verdict.ok).toBe(false)
  expect(verdict.problem).toMatch(problem)
  expect(verdict.fix).not.toBeNull()
})
