import { z } from 'zod'

/**
 * Whom a secret is given to. `environment`: every process of a session. `startup`: the start-up script alone. `image`: the host alone, which signs in to the
 * registry of the project's image with it; no session gets it. `proxy`: the control plane alone, which adds it to calls of MCP servers; no session gets it.
 */
export const exposures = ['environment', 'startup', 'image', 'proxy'] as const
export const exposure = z.enum(exposures)
export type Exposure = z.infer<typeof exposure>
