import { z } from 'zod'

const secret = z.string().min(32, 'use at least 32 characters')
const optionalUrl = z.url().optional()
const port = z.coerce.number().int().min(0).max(65535)

const environment = z.object({
  PORT: port.default(8080),
  HELIX_LISTEN: z.string().default('127.0.0.1'),
  METRICS_PORT: port.default(9090),
  FRONTEND_URL: optionalUrl,
  HELIX_SESSION_URL: optionalUrl,
  DATABASE_URL: z.string().min(1).optional(),
  /** Where other replicas of the control plane reach this one. */
  HELIX_INTERNAL_URL: optionalUrl,
  /** Previews are shown at `<port>-<session>.<this>`; default `localhost` where people reach us by that name, else there are none. */
  HELIX_PREVIEW_DOMAIN: z
    .string()
    .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, 'expected a domain in small letters, like preview.example.com')
    .optional(),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  TEMPORAL_UI_URL: optionalUrl,
  HELIX_DATA_DIR: z.string().default('.helix'),
  HELIX_ENCRYPTION_KEY: secret,
  HELIX_RUNNER_TOKEN: secret,
  HELIX_WORKER_TOKEN: secret,
  HELIX_REGISTRATION: z.enum(['open', 'invited', 'closed']).default('invited'),
  /** Addresses of proxies whose `X-Forwarded-For` is believed, as Express takes them. */
  HELIX_TRUSTED_PROXIES: z.string().default('loopback'),
  HELIX_ALLOW_LOCAL_IMPORT: z.enum(['0', '1']).default('0'),
  /** `smtp://user:password@host:587` or `smtps://`; without it mail is kept in the mail log. */
  SMTP_URL: z.url({ protocol: /^smtps?$/, error: 'expected smtp://… or smtps://…' }).optional(),
  MAIL_FROM: z
    .string()
    .regex(/^[^\r\n<>]*<[^\s<>@]+@[^\s<>@]+>$|^[^\s<>@]+@[^\s<>@]+$/, 'expected an address, or Name <address>')
    .default('Helix <helix@localhost>'),
  HELIX_ALLOW_PRIVATE_WEBHOOKS: z.enum(['0', '1']).default('0'),
  OPENAI_API_KEY: z.string().min(1).optional(),
  OPENAI_BASE_URL: optionalUrl,
  ANTHROPIC_API_KEY: z.string().min(1).optional(),
  ANTHROPIC_BASE_URL: optionalUrl,
  GEMINI_API_KEY: z.string().min(1).optional(),
  GEMINI_BASE_URL: optionalUrl,
  /** YAML or JSON with providers of the installation, see docs/operations.md. */
  HELIX_PROVIDERS_FILE: z.string().min(1).optional(),
  /** Providers of organisations and people may be in the own network. */
  HELIX_ALLOW_PRIVATE_PROVIDERS: z.enum(['0', '1']).default('0'),
  /** Calls of MCP servers are listed for so long. */
  HELIX_MCP_CALL_DAYS: z.coerce.number().int().min(1).max(3650).default(90),
  HELIX_MODEL: z.string().min(1).optional(),
  /** Recordings of desktops are removed, the oldest parts first, when one session or all together have more. 0 GB: nothing is recorded. */
  HELIX_RECORDING_SESSION_MB: z.coerce.number().int().min(16).max(1_000_000).default(2048),
  HELIX_RECORDING_BUDGET_GB: z.coerce.number().min(0).max(1_000_000).default(20),
  HELIX_EVENT_STREAMS_PER_USER: z.coerce.number().int().min(1).default(40),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error']).default('info'),
})

export type Environment = z.infer<typeof environment>

export interface Config extends Omit<Environment, 'FRONTEND_URL' | 'HELIX_SESSION_URL' | 'HELIX_INTERNAL_URL' | 'HELIX_PREVIEW_DOMAIN'> {
  listen: string[]
  frontendUrl: string
  sessionUrl: string
  internalUrl: string
  /** Null: there are no previews. */
  previewDomain: string | null
  /** https in front: cookies are `Secure` and carry the `__Host-` prefix. */
  secure: boolean
  /** Where programs are found, e.g. git. */
  executablePath: string | undefined
  version: string
  /** Of the environment, for what the providers file names. */
  variable(name: string): string | undefined
}

/** Parses the environment once; throws one error that names every wrong variable. Empty variables count as absent. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`The configuration is not valid.\n  ${wrong.join('\n  ')}`)
  }
  const { FRONTEND_URL, HELIX_SESSION_URL, HELIX_INTERNAL_URL, HELIX_PREVIEW_DOMAIN, ...rest } = parsed.data
  const frontendUrl = (FRONTEND_URL ?? `http://localhost:${rest.PORT}`).replace(/\/$/, '')
  return {
    ...rest,
    listen: rest.HELIX_LISTEN.split(',').map((address) => address.trim()),
    frontendUrl,
    sessionUrl: (HELIX_SESSION_URL ?? frontendUrl).replace(/\/$/, ''),
    internalUrl: (HELIX_INTERNAL_URL ?? `http://127.0.0.1:${rest.PORT}`).replace(/\/$/, ''),
    previewDomain: HELIX_PREVIEW_DOMAIN ?? (/^(localhost|127\.0\.0\.1)$/.test(new URL(frontendUrl).hostname) ? 'localhost' : null),
    secure: frontendUrl.startsWith('https:'),
    executablePath: env.PATH,
    version: '0.1.0',
    variable: (name) => env[name],
  }
}

export const readConfig = (): Config => parseConfig(process.env)
