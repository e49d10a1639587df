import { z } from 'zod'

/** Whom a secret is given to. `environment`: every process of a session. `startup`: the start-up script alone. */
export const exposures = ['environment', 'startup'] as const
export const exposure = z.enum(exposures)
export type Exposure = z.infer<typeof exposure>
