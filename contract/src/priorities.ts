import { z } from 'zod'

/** In the order of admission. */
export const priorities = ['urgent', 'high', 'normal', 'low'] as const
export const priority = z.enum(priorities)
export type Priority = z.infer<typeof priority>
