import { z } from 'zod'
import { timestamp } from './text.ts'

/** One start of a session: its steps, which overlap, and how long each took. */
export const sessionStart = z.object({
  epoch: z.number().int(),
  reason: z.string(),
  stages: z.array(z.object({ name: z.string(), durationMs: z.number() })),
  /** Steps that are under way; null: the start is over. */
  running: z.array(z.object({ name: z.string(), since: timestamp })).nullable(),
  at: timestamp,
})
export type SessionStart = z.infer<typeof sessionStart>
