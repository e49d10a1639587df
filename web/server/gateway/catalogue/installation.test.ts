import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parseConfig } from '../../config.ts'
import { readInstallation } from './installation.ts'

const folder = mkdtempSync(join(tmpdir(), 'hx-providers-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const needed = { HELIX_ENCRYPTION_KEY: 'e'.repeat(40), HELIX_RUNNER_TOKEN: 'r'.repeat(40), HELIX_WORKER_TOKEN: 'w'.repeat(40) }
const read = (env: NodeJS.ProcessEnv) => readInstallation(parseConfig({ ...needed, ...env }))

function file(text: string, env: NodeJS.ProcessEnv = {}) {
  const path = join(folder, 'providers.yaml')
  writeFileSync(path, text)
  return read({ HELIX_PROVIDERS_FILE: path, ...env })
}

test('without a key and a file the demo script answers', () => {
  expect(read({})).toMatchObject({ demo: true, providers: [] })
})

test('keys of the environment are providers that take every model', () => {
  const { demo, providers } = read({ OPENAI_API_KEY: 'sk-1', ANTHROPIC_API_KEY: 'sk-2', GEMINI_API_KEY: 'g-3' })
  expect(demo).toBe(false)
  expect(providers).toMatchObject([
    {
      id: 'env:openai',
      kind: 'openai',
      name: 'api.openai.com',
      baseUrl: 'https://api.openai.com/v1',
      allowed: null,
      keys: [{ secret: 'sk-1' }],
    },
    { id: 'env:anthropic', kind: 'anthropic', baseUrl: 'https://api.anthropic.com/v1', keys: [{ secret: 'sk-2' }] },
    { id: 'env:gemini', kind: 'gemini', baseUrl: 'https://generativelanguage.googleapis.com/v1beta', keys: [{ secret: 'g-3' }] },
  ])
})

test('an own server behind OPENAI_BASE_URL needs no key and no version in its address', () => {
  expect(read({ OPENAI_BASE_URL: 'http://127.0.0.1:11434/' }).providers).toMatchObject([
    { kind: 'openai_compatible', name: '127.0.0.1:11434', baseUrl: 'http://127.0.0.1:11434/v1', keys: [] },
  ])
})

test('a file adds providers with several keys, models with prices, aliases and a default', () => {
  const key = join(folder, 'key')
  writeFileSync(key, 'from-a-file\n')
  const { providers, aliases, defaultModel } = file(
    `
providers:
  - name: EU models
    kind: openai_compatible
    baseUrl: https://models.example.com
    region: eu
    rank: 1
    weight: 3
    keys: [{env: MY_KEY, weight: 2}, {file: ${key}}, {value: plain}]
    models:
      - small
      - {id: large, price: {input: 1000000, output: 2000000}, maxOutputTokens: 4096}
  - {name: Cloud, kind: bedrock, settings: {region: eu-central-1}, keys: [{value: k}], models: [a]}
aliases: {fast: [small], reviewer: [large, small]}
defaultModel: large
`,
    { MY_KEY: 'from-the-environment' },
  )
  expect(providers).toMatchObject([
    {
      ...{ id: 'file:eu-models', baseUrl: 'https://models.example.com/v1', region: 'eu', rank: 1, weight: 3, allowed: ['small', 'large'] },
      keys: [
        { secret: 'from-the-environment', weight: 2 },
        { secret: 'from-a-file', weight: 1 },
        { secret: 'plain', weight: 1 },
      ],
    },
    { id: 'file:cloud', region: 'eu-central-1', baseUrl: 'https://bedrock-runtime.eu-central-1.amazonaws.com' },
  ])
  expect(providers[0]?.facts.get('large')).toEqual({
    price: { input: 1_000_000, output: 2_000_000, cachedInput: null, cacheWrite: null, long: null },
    maxOutputTokens: 4096,
  })
  expect([...aliases]).toEqual([
    ['fast', ['small']],
    ['reviewer', ['large', 'small']],
  ])
  expect(defaultModel).toBe('large')
})

test.each([
  ['providers: [{name: A, kind: nonsense}]', /providers\.0\.kind/],
  ['providers: [{name: A, kind: openai_compatible}]', /providers\.0 \(A\)\.baseUrl: is needed/],
  ['providers: [{name: A, kind: vertex, settings: {project: p}}]', /settings\.location: is needed/],
  ['providers: [{name: A, kind: bedrock, settings: {region: "evil.example.com/"}}]', /settings\.region: has characters/],
  ['providers: [{name: A, kind: openai, keys: [{env: NOT_THERE}]}]', /keys\.0: the variable NOT_THERE is not there/],
  ['providers: [{name: A, kind: openai}, {name: a, kind: openai}]', /there twice/],
  ['providers: [{name: A, kind: openai, weigth: 3}]', /weigth/],
  ['providers: [', /HELIX_PROVIDERS_FILE/],
])('the file %s stops the start with its fault', (text, fault) => {
  expect(() => file(text)).toThrow(fault)
})

test('a file that is not there stops the start', () => {
  expect(() => read({ HELIX_PROVIDERS_FILE: join(folder, 'none.yaml') })).toThrow(/HELIX_PROVIDERS_FILE/)
})
