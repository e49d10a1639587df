import { z } from 'zod'
import { timestamp } from './text.ts'

/**
 * What a host does while its disk or its memory runs out, each with all before it: take nothing new, give up caches, suspend what is idle, and at last
 * suspend the largest that works, its work kept first.
 */
export const pressureLevels = ['refuse', 'evict', 'suspend', 'largest'] as const
export type PressureLevel = (typeof pressureLevels)[number]

/** Null: nothing runs out. `reason`: what does, and the way out, for people. */
export const pressure = z.object({ level: z.enum(pressureLevels), reason: z.string().max(1000) }).nullable()
export type Pressure = z.infer<typeof pressure>

/** A level that began or ended, or what was given up for room. `text`: for people. */
export const pressureEvent = z.object({ at: timestamp, text: z.string().max(500) })
export type PressureEvent = z.infer<typeof pressureEvent>

/** What a host process has open. A number that only grows is a leak. */
export const descriptors = z.object({
  open: z.number().int(),
  sockets: z.number().int(),
  /** The system refuses more; null: it does not say. */
  most: z.number().int().nullable(),
})
export type Descriptors = z.infer<typeof descriptors>
