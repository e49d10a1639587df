import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { modelName, modelPrice, providerKind, providerScopes, regionName } from './providers.ts'
import { line, timestamp } from './text.ts'

/** When the vendors’ published lists were read for the prices that ship with Helix. */
export const pricesReadOn = '2026-07-24'

/** Aliases that are there without anybody’s doing, each the first of well-known models that can be had. */
export const standardAliases = ['fast', 'smart'] as const

export const modelAlias = z.object({
  alias: z
    .string()
    .trim()
    .regex(/^[a-z0-9][a-z0-9._-]{0,59}$/, 'expected a short name in small letters, like fast or reviewer'),
  /** In the order in which they are tried. Empty for a standard alias: chosen by Helix. */
  models: z.array(modelName).max(20),
})
export type ModelAlias = z.infer<typeof modelAlias>

export const offeredModel = z.object({
  id: z.string(),
  provider: z.string(),
  kind: providerKind.nullable(),
  scope: z.enum(providerScopes).nullable(),
  /** Of an alias: what it stands for now. */
  aliasOf: z.string().nullable(),
  price: modelPrice.nullable(),
  maxOutputTokens: z.number().int().nullable(),
  region: z.string().nullable(),
})
export type OfferedModel = z.infer<typeof offeredModel>

export const listModels = defineEndpoint({
  method: 'GET',
  path: '/api/v1/models',
  permission: 'project:read',
  summary: 'Models and aliases that the caller may ask for, with prices',
  response: z.object({ items: z.array(offeredModel), demo: z.boolean() }),
})

const aliases = z.object({ items: z.array(modelAlias).max(100) })

export const listModelAliases = defineEndpoint({
  method: 'GET',
  path: '/api/v1/model-aliases',
  permission: 'organisation:write',
  summary: 'Other names for models in this organisation',
  response: z.object({ items: z.array(modelAlias.extend({ standsFor: z.string().nullable() })) }),
})

export const setModelAliases = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/model-aliases',
  permission: 'organisation:write',
  summary: 'Set all other names for models in this organisation',
  body: aliases,
  response: z.object({ items: z.array(modelAlias.extend({ standsFor: z.string().nullable() })) }),
})

/** What providers, balancers and we ourselves set: a project must not. */
const closedHeaders =
  /^(authorization|x-api-key|api-key|x-goog-api-key|x-amz-.*|host|cookie|set-cookie|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|content-.*|accept-encoding|proxy-.*|x-forwarded-.*|forwarded|sec-.*)$/i

export const headerName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'expected the name of a header, like X-Cost-Centre')
  .refine((name) => !closedHeaders.test(name), 'is set by Helix or the connection itself: choose another header')
const headerValue = z
  .string()
  .trim()
  .min(1)
  .max(1000)
  .regex(/^[\x20-\x7e]*$/, 'expected one line of plain ASCII')

export const chooseRules = ['weight', 'latency', 'cost'] as const

const pattern = line(200)
const rules = {
  /** Names or patterns with `*`, of models or aliases; null: all. */
  models: z.array(pattern).max(200).nullable().default(null),
  /** Only providers of these regions; null: all. */
  regions: z.array(regionName).max(50).nullable().default(null),
  /** Added to what goes to providers. */
  headers: z
    .record(headerName, headerValue)
    .refine((headers) => Object.keys(headers).length <= 20, 'at most 20 headers')
    .refine(
      (headers) => new Set(Object.keys(headers).map((name) => name.toLowerCase())).size === Object.keys(headers).length,
      'a header is named twice',
    )
    .default({}),
}

export const organisationModelRules = z.object({
  ...rules,
  maskSecrets: z.boolean().default(false),
  choose: z.enum(chooseRules).default('weight'),
  /** People may bring keys of their own. */
  ownKeys: z.boolean().default(true),
})
export type OrganisationModelRules = z.infer<typeof organisationModelRules>

export const projectModelRules = z.object({
  ...rules,
  /** Null: as the organisation. */
  maskSecrets: z.boolean().nullable().default(null),
  choose: z.enum(chooseRules).nullable().default(null),
})
export type ProjectModelRules = z.infer<typeof projectModelRules>

const ofProject = z.object({ projectId: idSchema('project') })
const changed = { changedBy: z.string().nullable(), changedAt: timestamp.nullable() }
const expected = { expectedChangedAt: timestamp.nullish() }

export const getModelRules = defineEndpoint({
  method: 'GET',
  path: '/api/v1/model-rules',
  permission: 'organisation:write',
  summary: 'Which models, regions and headers hold for calls of the organisation',
  response: organisationModelRules.extend(changed),
})

export const setModelRules = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/model-rules',
  permission: 'organisation:write',
  summary: 'Set which models, regions and headers hold for calls of the organisation',
  body: organisationModelRules.extend(expected),
  response: organisationModelRules.extend(changed),
  errors: ['conflict'],
})

export const getProjectModelRules = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/model-rules',
  permission: 'project:write',
  summary: 'Which models, regions and headers hold for calls of the project, besides those of the organisation',
  params: ofProject,
  response: projectModelRules.extend({
    ...changed,
    organisation: organisationModelRules.pick({ models: true, regions: true, maskSecrets: true, choose: true }),
  }),
})

export const setProjectModelRules = defineEndpoint({
  method: 'PUT',
  path: '/api/v1/projects/:projectId/model-rules',
  permission: 'project:write',
  summary: 'Set which models, regions and headers hold for calls of the project; models and regions narrow those of the organisation',
  params: ofProject,
  body: projectModelRules.extend(expected),
  response: projectModelRules.extend({
    ...changed,
    organisation: organisationModelRules.pick({ models: true, regions: true, maskSecrets: true, choose: true }),
  }),
  errors: ['conflict'],
})
