import { z } from 'zod'
import { defineEndpoint } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { timestamp } from './text.ts'

/** Weakest first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Units: lines. What a host keeps, and the most of one answer. */
export const keptLogLines = 2000
export const mostLogLines = 200
/** Units: UTF-16 units of a line; the rest is cut. */
export const longestLogLine = 2000

export const logLine = z.object({
  /** Counts from 1 since the host's process began. */
  n: z.number().int(),
  at: timestamp,
  level: z.enum(logLevels),
  text: z.string().max(longestLogLine),
})
export type LogLine = z.infer<typeof logLine>

export const hostLogs = z.object({
  /** Another one: the process began anew, and so did the numbers. */
  bootId: z.string().max(100),
  /** Oldest first. */
  lines: z.array(logLine).max(mostLogLines),
  /** Ask again after this one. */
  upTo: z.number().int(),
})
export type HostLogs = z.infer<typeof hostLogs>

export const logQuery = z.object({
  /** Absent: the newest lines. */
  after: z.coerce.number().int().min(0).optional(),
  /** This level and those above it. */
  level: z.enum(logLevels).default('info'),
  limit: z.coerce.number().int().min(1).max(mostLogLines).default(mostLogLines),
})
export type LogQuery = z.infer<typeof logQuery>

export const getHostLogs = defineEndpoint({
  method: 'GET',
  path: '/api/v1/hosts/:hostId/logs',
  permission: 'organisation:write',
  summary: 'Lines of a sandbox host’s log, out of what its process keeps; secrets are blacked out. For who administers the installation',
  params: z.object({ hostId: idSchema('host') }),
  query: logQuery,
  response: hostLogs,
  errors: ['machine_unavailable'],
})
