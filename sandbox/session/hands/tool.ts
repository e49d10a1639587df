import { z } from 'zod'
import type { Desktop, Picture, Place } from './desktop.ts'
import type { Pictures } from './pictures.ts'

/** What a tool works with. */
export interface Hands {
  desktop: Desktop
  pictures: Pictures
  /** Aborted when the agent does not wait any more. */
  signal: AbortSignal
}

/** What came of it. */
export interface Outcome {
  text: string
  picture?: Picture
  /** Where on the screen it was done. */
  place?: Place
}

export interface Tool {
  name: string
  description: string
  /** It never changes anything. */
  looksOnly: boolean
  schema: z.ZodType
  /** False: it changes nothing this time, and goes on while a person keeps the agent paused. */
  acts(args: never): boolean
  run(args: never, hands: Hands): Promise<Outcome>
}

/** Keeps the arguments' type between a schema and what reads them. */
export function defineTool<S extends z.ZodType>(tool: {
  name: string
  description: string
  acts: boolean | ((args: z.output<S>) => boolean)
  schema: S
  run(args: z.output<S>, hands: Hands): Promise<Outcome>
}): Tool {
  const { acts } = tool
  return { ...tool, looksOnly: acts === false, acts: typeof acts === 'function' ? acts : () => acts }
}

const pixel = z.number().int().min(0).max(16_384)
/** Of whose pixels a place is given. */
export const picture = z
  .number()
  .int()
  .min(0)
  .optional()
  .describe('Number of the screenshot whose pixels you give. Left out: your newest. 0: pixels of the screen itself.')
export const place = { x: pixel.describe('From the left'), y: pixel.describe('From the top'), picture }
export const region = z.object({ x: pixel, y: pixel, width: pixel.min(1), height: pixel.min(1) })
