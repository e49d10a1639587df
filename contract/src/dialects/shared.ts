import { z } from 'zod'

/** A JSON Schema, as the client wrote it: the model’s provider judges it. */
export const jsonSchema = z.record(z.string(), z.unknown())

export const unitNumber = z.number().min(0).max(2)
export const tokenCount = z.number().int().positive()

/** Anthropic’s cache hint, which several OpenAI-compatible clients send too. */
export const cacheControl = z.object({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() })

/** A value that only clients of one provider set, taken as it is. */
export const anything = z.unknown()
