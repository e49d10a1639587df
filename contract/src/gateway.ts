import { z } from 'zod'

/** The model that the built-in demo script answers under. It is a script, not a model, and says so. */
export const demoModel = 'demo-script'

/** Row of GET /v1/models, OpenAI's list format. */
export const modelList = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ id: z.string(), object: z.literal('model'), created: z.number().int(), owned_by: z.string() })),
})
