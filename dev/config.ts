import { randomInt } from 'node:crypto'
import { join, resolve } from 'node:path'

/** The repository's root. */
export const root = resolve(import.meta.dirname, '..')

export interface StackConfig {
  /** Absolute path of the installation's state. */
  dataDir: string
  port: number
  /** Addresses the control plane listens on besides the Docker bridge. */
  listen: string[]
  frontendUrl: string
  /** Null: an external Temporal at `temporalAddress`. */
  temporalBinary: string | null
  temporalAddress: string
  temporalPort: number
  temporalUiPort: number
  metricsPort: number
  /** Of the sandbox host, for desktops; 0: one that is free when it starts. */
  streamPort: number
  /** Handed to every process as it is: provider keys, DATABASE_URL, log level, certificates. */
  passed: NodeJS.ProcessEnv
}

function port(name: string, fallback: number): number {
  const text = process.env[name]
  if (text === undefined || text === '') return fallback
  const value = Number(text)
  if (Number.isInteger(value) && value > 0 && value < 65536) return value
  throw new Error(`${name} is "${text}": expected a port number from 1 to 65535`)
}

/** The installation of `npm start` and `npm run demo`: `./.helix` and the usual ports unless the environment says otherwise. */
export function installationConfig(): StackConfig {
  const web = port('PORT', 8080)
  const temporal = port('TEMPORAL_PORT', 7233)
  return {
    dataDir: resolve(process.env.HELIX_DATA_DIR ?? join(root, '.helix')),
    port: web,
    listen: (process.env.HELIX_LISTEN ?? '127.0.0.1').split(','),
    frontendUrl: process.env.FRONTEND_URL ?? `http://localhost:${web}`,
    temporalBinary: process.env.TEMPORAL_ADDRESS ? null : (process.env.HELIX_TEMPORAL_BIN ?? 'temporal'),
    temporalAddress: process.env.TEMPORAL_ADDRESS ?? `127.0.0.1:${temporal}`,
    temporalPort: temporal,
    temporalUiPort: port('TEMPORAL_UI_PORT', 8233),
    metricsPort: port('METRICS_PORT', 9090),
    streamPort: port('HELIX_STREAM_PORT', 0),
    passed: process.env,
  }
}

/**
 * An installation of its own for a test, a benchmark or a proof: given folder, ports nobody has, no providers but those in `overrides`, so that
 * it runs beside a real one.
 */
export function scratchConfig(dataDir: string, overrides: NodeJS.ProcessEnv = {}): StackConfig {
  // Below what Linux gives to outgoing connections, which may hold any port of theirs for a moment.
  const first = randomInt(2000, 3276) * 10
  const { OPENAI_API_KEY, OPENAI_BASE_URL, ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, GEMINI_API_KEY, GEMINI_BASE_URL, ...others } = process.env
  const { HELIX_MODEL, HELIX_PROVIDERS_FILE, DATABASE_URL, ...passed } = others
  return {
    dataDir,
    port: first,
    listen: ['127.0.0.1'],
    frontendUrl: `http://localhost:${first}`,
    temporalBinary: process.env.HELIX_TEMPORAL_BIN ?? 'temporal',
    temporalAddress: `127.0.0.1:${first + 1}`,
    temporalPort: first + 1,
    temporalUiPort: first + 2,
    metricsPort: first + 3,
    streamPort: first + 4,
    passed: { ...passed, ...overrides },
  }
}

/** Why sessions cannot run here, as the set-up found; null when they can. */
export const sandboxProblem = process.env.HELIX_SANDBOX_PROBLEM ?? null
export const postgresFolder = process.env.HELIX_POSTGRES_BIN ?? null
export const chromiumPath = process.env.HELIX_CHROMIUM ?? '/usr/bin/chromium'
export const sessionImage = process.env.HELIX_SESSION_IMAGE ?? 'helix-session:dev'
