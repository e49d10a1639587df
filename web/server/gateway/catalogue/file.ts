import { readFileSync } from 'node:fs'
import { modelAlias } from '@helix/contract/models'
import { type ModelPrice, modelName, modelPrice, providerKind, regionName } from '@helix/contract/providers'
import { line } from '@helix/contract/text'
import { parse } from 'yaml'
import { z } from 'zod'
import { baseUrlOf, type KnownProvider, regionOf, settingsProblem } from './provider.ts'

const key = z.union(
  [
    z.strictObject({ value: z.string().min(1), weight: z.number().int().min(1).default(1) }),
    z.strictObject({ env: z.string().min(1), weight: z.number().int().min(1).default(1) }),
    z.strictObject({ file: z.string().min(1), weight: z.number().int().min(1).default(1) }),
  ],
  'a key is {value: …}, {env: NAME} or {file: /path}, with an optional weight',
)

const model = z.union([
  modelName.transform((id) => ({ id, price: null, maxOutputTokens: null })),
  z.strictObject({
    id: modelName,
    price: modelPrice.partial({ cachedInput: true, cacheWrite: true, long: true }).nullable().default(null),
    maxOutputTokens: z.number().int().min(1).nullable().default(null),
  }),
])

const provider = z.strictObject({
  name: line(60),
  kind: providerKind,
  baseUrl: z.url().optional(),
  settings: z.record(z.string(), z.string()).default({}),
  region: regionName.optional(),
  rank: z.number().int().min(0).max(99).default(0),
  weight: z.number().int().min(1).max(1000).default(1),
  keys: z.array(key).default([]),
  /** Left out: whatever it is asked for. */
  models: z.array(model).min(1).optional(),
})

const providersFile = z.strictObject({
  providers: z.array(provider).default([]),
  aliases: z.record(modelAlias.shape.alias, z.array(modelName).min(1).max(20)).default({}),
  defaultModel: modelName.optional(),
})

export interface FromFile {
  providers: KnownProvider[]
  aliases: ReadonlyMap<string, readonly string[]>
  defaultModel: string | null
}

interface Sources {
  /** Of the environment. */
  variable(name: string): string | undefined
}

const slug = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '') || 'provider'

function secretOf(source: z.output<typeof key>, { variable }: Sources, path: string): string {
  if ('value' in source) return source.value
  const secret = 'env' in source ? variable(source.env) : readFileSync(source.file, 'utf8').trim()
  if (secret !== undefined && secret !== '') return secret
  throw new Error(`${path}: ${'env' in source ? `the variable ${source.env}` : `the file ${source.file}`} is not there or empty`)
}

type Given = { [K in 'cachedInput' | 'cacheWrite' | 'long']?: ModelPrice[K] | undefined }
/** What the file leaves out costs as input does. */
const dearer = ({ cachedInput = null, cacheWrite = null, long = null }: Given) => ({ cachedInput, cacheWrite, long })

function providerOf(given: z.output<typeof provider>, index: number, sources: Sources): KnownProvider {
  const path = `providers.${index} (${given.name})`
  const problem = settingsProblem(given.kind, given.settings)
  if (problem !== null) throw new Error(`${path}.${problem.field}: ${problem.message}`)
  const baseUrl = baseUrlOf(given.kind, given.baseUrl ?? null, given.settings)
  if (baseUrl === null) throw new Error(`${path}.baseUrl: is needed for this kind`)
  const id = `file:${slug(given.name)}`
  return {
    id,
    name: given.name,
    kind: given.kind,
    scope: 'installation',
    userId: null,
    baseUrl,
    settings: given.settings,
    guarded: false,
    region: regionOf(given.region ?? null, given.settings),
    rank: given.rank,
    weight: given.weight,
    keys: given.keys.map((source, nth) => ({
      id: `${id}:${nth}`,
      secret: secretOf(source, sources, `${path}.keys.${nth}`),
      weight: source.weight,
    })),
    allowed: given.models?.map((one) => one.id) ?? null,
    listed: [],
    facts: new Map(
      given.models?.map(({ id: name, price, maxOutputTokens }) => [
        name,
        { price: price === null ? null : { ...price, ...dearer(price) }, maxOutputTokens },
      ]),
    ),
  }
}

/** Reads providers of the installation, YAML or JSON. Throws one error that names the place of every fault. */
export function readProvidersFile(path: string, sources: Sources): FromFile {
  const wrong = (message: string): Error => new Error(`HELIX_PROVIDERS_FILE (${path}) is not valid.\n  ${message}`)
  let content: unknown
  try {
    content = parse(readFileSync(path, 'utf8')) ?? {}
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
  const parsed = providersFile.safeParse(content)
  if (!parsed.success) throw wrong(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n  '))
  const { data } = parsed
  try {
    const providers = data.providers.map((one, index) => providerOf(one, index, sources))
    const twice = providers.find(({ id }, index) => providers.findIndex((other) => other.id === id) !== index)
    if (twice !== undefined) throw new Error(`providers: the name ${twice.name} is there twice`)
    return { providers, aliases: new Map(Object.entries(data.aliases)), defaultModel: data.defaultModel ?? null }
  } catch (error) {
    throw wrong(error instanceof Error ? error.message : String(error))
  }
}
