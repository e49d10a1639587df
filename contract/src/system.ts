import { z } from 'zod'
import { defineEndpoint, page } from './endpoint.ts'
import { idSchema } from './ids.ts'
import { hostCheck } from './link.ts'
import { timestamp } from './text.ts'

export const host = z.object({
  id: idSchema('host'),
  name: z.string(),
  online: z.boolean(),
  lastSeenAt: timestamp.nullable(),
  sessions: z.number().int(),
  capacity: z.number().int(),
  /** The rung of the isolation ladder that works there, see docs/operations.md. */
  rung: z.string(),
  innerDocker: z.boolean(),
  /** Why not a stronger rung, in one sentence; null: there is none, or the host has not said. */
  strongerRungs: z.string().nullable(),
  /** Sessions there are kept from private networks, metadata, the machine and one another. */
  filtered: z.boolean(),
  /** Null when all is well; else what is missing and the way out. */
  problem: z.string().nullable(),
  /** What it found about itself; empty while it has told nothing. */
  checks: z.array(hostCheck),
  /** `own`: it has one; `shared`: it still uses the runner token of all, as the version before did; `revoked`: it was shut out. */
  credential: z.enum(['own', 'shared', 'revoked']),
})
export type Host = z.infer<typeof host>

export const listHosts = defineEndpoint({
  method: 'GET',
  path: '/api/v1/hosts',
  permission: 'host:read',
  summary: 'Sandbox hosts',
  response: page(host),
})

export const getSystem = defineEndpoint({
  method: 'GET',
  path: '/api/v1/system',
  permission: 'host:read',
  summary: 'What this installation has and lacks',
  response: z.object({
    version: z.string(),
    inference: z.object({
      /** True when no provider is configured and the built-in script answers. */
      demo: z.boolean(),
      providers: z.array(z.object({ name: z.string(), dialect: z.enum(['openai', 'anthropic', 'google', 'bedrock']) })),
    }),
    hostsOnline: z.number().int(),
    temporalUiUrl: z.string().nullable(),
    /** Sentences for people: what does not work and what to do. Empty when all is well. */
    problems: z.array(z.string()),
    /** No task was merged yet in this organisation, and nobody put the first steps away. */
    gettingStarted: z.boolean(),
    /** The caller administers the installation, see `getHealth`. */
    runsInstallation: z.boolean(),
  }),
})
