import { z } from 'zod'

const environment = z.object({
  HELIX_CONTROL_PLANE_URL: z.url().default('http://127.0.0.1:8080'),
  HELIX_WORKER_TOKEN: z.string().min(32, 'use at least 32 characters'),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  HELIX_WORKFLOW_BUNDLE: z.string().optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
})

export type Config = z.infer<typeof environment>

/** Throws one error that names every wrong variable. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  if (parsed.success) return parsed.data
  const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new Error(`The configuration is not valid.\n  ${wrong.join('\n  ')}`)
}

export const readConfig = (): Config => parseConfig(process.env)
