import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, type StackConfig } from '../config.ts'
import type { ProcessPlan } from './process.ts'
import type { Secrets } from './secrets.ts'

export const processNames = ['temporal', 'control-plane', 'worker', 'sandbox-host'] as const
export type ProcessName = (typeof processNames)[number]

/** Most of the host's work waits on sockets: fewer V8 threads, a small young generation and code that is small first save some 20 MiB. */
const smallHeap = ['--v8-pool-size=0', '--max-semi-space-size=1', '--optimize-for-size']

const searchAttributes = JSON.parse(readFileSync(join(root, 'temporal/search-attributes.json'), 'utf8')) as string[]

function temporalArgs(config: StackConfig): string[] {
  return [
    'server',
    'start-dev',
    '--ip',
    '127.0.0.1',
    '--port',
    String(config.temporalPort),
    '--ui-port',
    String(config.temporalUiPort),
    '--db-filename',
    join(config.dataDir, 'temporal.db'),
    '--log-level',
    'error',
    ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
  ]
}

/** Where the host shows desktops: on the name that people reach the pages by, where no proxy stands before them. */
function streamEnvironment({ frontendUrl, streamPort, passed }: StackConfig): NodeJS.ProcessEnv {
  const { protocol, hostname } = new URL(frontendUrl)
  const local = hostname === 'localhost' || hostname === '127.0.0.1'
  const publicUrl = protocol === 'http:' ? `http://${hostname}:${streamPort}` : undefined
  return {
    HELIX_STREAM_PORT: String(streamPort),
    HELIX_STREAM_LISTEN: passed.HELIX_STREAM_LISTEN ?? (local ? '127.0.0.1' : '0.0.0.0'),
    HELIX_PUBLIC_STREAM_URL: passed.HELIX_PUBLIC_STREAM_URL ?? publicUrl,
  }
}

/** What runs, with which configuration. Secrets go by environment, which only root and the same user can read. */
export function processPlans(config: StackConfig, secrets: Secrets, bridge: string | null): Record<ProcessName, ProcessPlan | null> {
  const log = (name: string): string => join(config.dataDir, 'logs', `${name}.log`)
  const shared = {
    ...config.passed,
    HELIX_DATA_DIR: config.dataDir,
    TEMPORAL_ADDRESS: config.temporalAddress,
    HELIX_CONTROL_PLANE_URL: `http://127.0.0.1:${config.port}`,
    NODE_ENV: 'production',
    // glibc keeps an arena for each thread otherwise, and what was freed at its end: memory that only looks used.
    MALLOC_ARENA_MAX: '2',
    MALLOC_TRIM_THRESHOLD_: '131072',
    HELIX_SUPERVISED: '1',
  }
  const node = (name: ProcessName, script: string, env: NodeJS.ProcessEnv, flags: string[] = []): ProcessPlan => ({
    name,
    program: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', ...flags, script],
    env: { ...shared, ...env },
    logFile: log(name),
    cwd: root,
  })
  const sessionUrl =
    bridge === null ? {} : { HELIX_SESSION_URL: config.passed.HELIX_SESSION_URL ?? `http://host.docker.internal:${config.port}` }
  return {
    temporal:
      config.temporalBinary === null
        ? null
        : {
            name: 'temporal',
            program: config.temporalBinary,
            args: temporalArgs(config),
            env: shared,
            logFile: log('temporal'),
            cwd: config.dataDir,
          },
    'control-plane': node('control-plane', 'web/server/main.ts', {
      PORT: String(config.port),
      HELIX_LISTEN: [...config.listen, ...(bridge === null ? [] : [bridge])].join(','),
      METRICS_PORT: String(config.metricsPort),
      FRONTEND_URL: config.frontendUrl,
      ...sessionUrl,
      HELIX_ENCRYPTION_KEY: secrets.encryptionKey,
      HELIX_RUNNER_TOKEN: secrets.runnerToken,
      HELIX_WORKER_TOKEN: secrets.workerToken,
      HELIX_ALLOW_LOCAL_IMPORT: '1',
      ...(config.temporalBinary === null ? {} : { TEMPORAL_UI_URL: `http://localhost:${config.temporalUiPort}` }),
    }),
    worker: node('worker', 'workers/src/main.ts', {
      HELIX_WORKER_TOKEN: secrets.workerToken,
      HELIX_WORKFLOW_BUNDLE: join(root, 'workers/dist/workflows.js'),
    }),
    'sandbox-host': node(
      'sandbox-host',
      'sandbox/src/main.ts',
      {
        HELIX_RUNNER_TOKEN: secrets.runnerToken,
        HELIX_INSTALLATION: secrets.installation,
        ...streamEnvironment(config),
        // On a laptop sessions run even where nothing can keep them from its networks; the settings page says so.
        HELIX_ALLOW_UNFILTERED_EGRESS: '1',
      },
      smallHeap,
    ),
  }
}
