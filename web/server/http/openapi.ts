import type { Endpoint } from '@helix/contract/endpoint'
import { publicEndpoints } from '@helix/contract/endpoints'
import { type ErrorCode, errorBody, errorCatalogue } from '@helix/contract/errors'
import type { z } from 'zod'
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi'

const everywhere: ErrorCode[] = ['invalid_request', 'internal']

function responsesOf(endpoint: Endpoint): ZodOpenApiOperationObject['responses'] {
  const asked: ErrorCode[] = endpoint.permission === 'public' ? [] : ['not_signed_in', 'forbidden', 'not_found']
  const codes = [...everywhere, ...asked, ...endpoint.errors]
  const byStatus = Map.groupBy(new Set(codes), (code) => errorCatalogue[code].status)
  const errors = [...byStatus].map(([status, list]) => [
    String(status),
    { description: list.join(', '), content: { 'application/json': { schema: errorBody } } },
  ])
  return { '200': { description: 'OK', content: { 'application/json': { schema: endpoint.response } } }, ...Object.fromEntries(errors) }
}

function operationOf(id: string, endpoint: Endpoint): ZodOpenApiOperationObject {
  const body = endpoint.method === 'GET' ? {} : { requestBody: { content: { 'application/json': { schema: endpoint.body } } } }
  return {
    operationId: id,
    summary: endpoint.summary,
    description: `Permission: ${endpoint.permission}.`,
    requestParams: { path: endpoint.params as z.ZodObject, query: endpoint.query as z.ZodObject },
    ...body,
    responses: responsesOf(endpoint),
    security: endpoint.permission === 'public' ? [] : [{ apiKey: [] }, { cookie: [] }],
  }
}

/** The public API as OpenAPI 3.1, made of the endpoint definitions. */
export function openApiDocument(): ReturnType<typeof createDocument> {
  const paths: ZodOpenApiPathsObject = {}
  for (const [id, endpoint] of publicEndpoints) {
    const path = endpoint.path.replace(/:([A-Za-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(id, endpoint) }
  }
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Helix', version: '0.1.0', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    components: {
      securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' }, cookie: { type: 'apiKey', in: 'cookie', name: 'helix' } },
    },
    paths,
  })
}
