import { z } from 'zod'
import { defineEndpoint, page, pageQuery } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { secretName } from './secrets.ts'
import { timestamp } from './text.ts'

/** Of Helix itself: an agent could not tell them apart. */
export const ownMcpServers: readonly string[] = ['desktop', 'helix', 'code', 'session', 'board']

/** Where a session's agent reaches one, on the control plane, with the session's token as bearer. */
export const mcpServerPath = (name: string): string => `/mcp/external/${name}`

export const mcpServerName = z
  .string()
  .max(40, 'use at most 40 characters')
  .regex(/^[a-z][a-z0-9-]*$/, 'a short name like issues: small letters, digits and -, beginning with a letter')
  .refine((name) => !ownMcpServers.includes(name), 'is a server of Helix itself: choose another name')

/** Set by the protocol or the connection, or leading to somebody else’s. */
const reservedHeader =
  /^(host|connection|keep-alive|content-.*|transfer-encoding|te|trailer|upgrade|expect|accept.*|cookie.*|user-agent|origin|mcp-.*|last-event-id|proxy-.*)$/i

const header = z.object({
  name: z
    .string()
    .trim()
    .max(100, 'use at most 100 characters')
    .regex(/^[\w!#$%&'*+.^`|~-]+$/, 'the name of a header, like Authorization')
    .refine((name) => !reservedHeader.test(name), 'is set by the protocol itself and cannot be chosen'),
  /** Before the secret, like `Bearer ` with its space. */
  prefix: z
    .string()
    .max(100, 'use at most 100 characters')
    .regex(/^[\x20-\x7e]*$/, 'use letters, digits and signs of ASCII')
    .default(''),
  /** The name of a secret of the project, or of the organisation. */
  secret: secretName,
})

const headers = z
  .array(header)
  .max(10, 'use at most 10 headers')
  .refine(
    (all) => new Set(all.map(({ name }) => name.toLowerCase())).size === all.length,
    'names a header twice: headers differ in more than case',
  )

const toolPattern = z
  .string()
  .trim()
  .min(1, 'name a tool')
  .max(128, 'use at most 128 characters')
  .regex(/^[\w.:/*-]+$/, 'the name of a tool, where * stands for anything, like read_*')
const toolPatterns = z.array(toolPattern).max(200, 'use at most 200 names; * stands for many')

const address = z.url('expected an address like https://mcp.example.com/mcp').max(2000)
const timeLimitSeconds = z.number().int().min(1, 'use 1 to 3600 seconds').max(3600, 'use 1 to 3600 seconds')
const maxRequestMb = z.number().int().min(1, 'use 1 to 16 MB').max(16, 'use 1 to 16 MB')
const maxAnswerMb = z.number().int().min(1, 'use 1 to 64 MB').max(64, 'use 1 to 64 MB')

const fields = z.object({
  name: mcpServerName,
  url: address,
  headers: headers.default([]),
  /** Null: all that are not denied. */
  allowedTools: toolPatterns.nullable().default(null),
  /** Win over those that are allowed. */
  deniedTools: toolPatterns.default([]),
  /** Units: seconds until a call has its whole answer. */
  timeLimitSeconds: timeLimitSeconds.default(120),
  /** Units: MiB. */
  maxRequestMb: maxRequestMb.default(4),
  maxAnswerMb: maxAnswerMb.default(8),
  enabled: z.boolean().default(true),
})
export type McpServerInput = z.output<typeof fields>

const change = z.object({
  name: mcpServerName.optional(),
  url: address.optional(),
  headers: headers.optional(),
  allowedTools: toolPatterns.nullable().optional(),
  deniedTools: toolPatterns.optional(),
  timeLimitSeconds: timeLimitSeconds.optional(),
  maxRequestMb: maxRequestMb.optional(),
  maxAnswerMb: maxAnswerMb.optional(),
  enabled: z.boolean().optional(),
  /** `changedAt` as the caller knows it; another one answers conflict with who was first. */
  expectedChangedAt: timestamp.optional(),
})
export type McpServerChange = z.output<typeof change>

export const mcpServer = z.object({
  id: idSchema('mcpServer'),
  name: z.string(),
  url: z.string(),
  headers: z.array(z.object({ name: z.string(), prefix: z.string(), secret: z.string() })),
  allowedTools: z.array(z.string()).nullable(),
  deniedTools: z.array(z.string()),
  timeLimitSeconds: z.number().int(),
  maxRequestMb: z.number().int(),
  maxAnswerMb: z.number().int(),
  enabled: z.boolean(),
  /** Names of secrets that were removed since: calls are refused until they are there again. */
  missingSecrets: z.array(z.string()),
  /** Null: that person is gone. */
  changedBy: z.string().nullable(),
  changedAt: timestamp,
})
export type McpServer = z.infer<typeof mcpServer>

/** What came of asking a server what it is and which tools it has. */
export const mcpServerCheck = z.object({
  ok: z.boolean(),
  /** One sentence for people, and the way out; null when all is well. */
  problem: z.string().nullable(),
  fix: z.string().nullable(),
  /** As it calls itself. */
  server: z.string().nullable(),
  tools: z.array(z.object({ name: z.string(), description: z.string(), allowed: z.boolean() })),
  durationMs: z.number().int(),
})
export type McpServerCheck = z.infer<typeof mcpServerCheck>

/** `error`: the server answered with one; `refused`: the project's policy does not allow the tool; `left`: the agent did not wait. */
export const mcpOutcomes = ['ok', 'error', 'refused', 'failed', 'timed_out', 'too_large', 'left'] as const

export const mcpCall = z.object({
  id: idSchema('mcpCall'),
  server: z.string(),
  sessionId: idSchema('session'),
  taskId: idSchema('task').nullable(),
  /** Who the session works for; null: that person is gone. */
  person: z.string().nullable(),
  /** Of the protocol: `tools/call`; `GET` and `DELETE` are about the connection. */
  method: z.string(),
  tool: z.string().nullable(),
  outcome: z.enum(mcpOutcomes),
  /** Of HTTP, as the agent was answered. */
  status: z.number().int(),
  requestBytes: z.number().int(),
  answerBytes: z.number().int(),
  durationMs: z.number().int(),
  at: timestamp,
})
export type McpCall = z.infer<typeof mcpCall>

const ofProject = z.object({ projectId: idSchema('project') })
const ofServer = ofProject.extend({ mcpServerId: idSchema('mcpServer') })

export const listMcpServers = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/mcp-servers',
  permission: 'project:write',
  summary: 'MCP servers that agents of the project may use; values of their headers are never answered',
  params: ofProject,
  response: z.object({ items: z.array(mcpServer) }),
})

export const createMcpServer = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/mcp-servers',
  permission: 'project:write',
  summary: 'Add an MCP server (streamable HTTP); sessions have it from their next start',
  params: ofProject,
  body: fields,
  response: mcpServer,
  errors: ['conflict'],
})

export const updateMcpServer = defineEndpoint({
  method: 'PATCH',
  path: '/api/v1/projects/:projectId/mcp-servers/:mcpServerId',
  permission: 'project:write',
  summary: 'Change an MCP server; address, headers, tools and limits hold from the next call, its name from the next start of a session',
  params: ofServer,
  body: change,
  response: mcpServer,
  errors: ['conflict'],
})

export const deleteMcpServer = defineEndpoint({
  method: 'DELETE',
  path: '/api/v1/projects/:projectId/mcp-servers/:mcpServerId',
  permission: 'project:write',
  summary: 'Remove an MCP server; its calls are refused from now on, and what was called stays listed',
  params: ofServer,
})

export const checkMcpServer = defineEndpoint({
  method: 'POST',
  path: '/api/v1/projects/:projectId/mcp-servers/:mcpServerId/check',
  permission: 'project:write',
  summary: 'Ask an MCP server now what it is and which tools it has',
  params: ofServer,
  response: mcpServerCheck,
})

export const listMcpCalls = defineEndpoint({
  method: 'GET',
  path: '/api/v1/projects/:projectId/mcp-calls',
  permission: 'project:read',
  summary: 'Calls of MCP servers by agents of the project, newest first; arguments and results are not kept',
  params: ofProject,
  query: pageQuery.extend({
    cursor: idSchema('mcpCall').optional(),
    taskId: idSchema('task').optional(),
    sessionId: idSchema('session').optional(),
    server: mcpServerName.optional(),
  }),
  response: page(mcpCall),
})
