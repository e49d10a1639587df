import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { type HostLabels, hostLabels } from '@helix/contract/host-labels'
import { type Rung, rung } from '@helix/contract/isolation'
import { z } from 'zod'

const port = z.coerce.number().int().min(0).max(65_535)
const positive = z.coerce.number().int().min(1)
const list = z.string().transform((value) => value.split(',').map((one) => one.trim()))
const flag = z.enum(['0', '1']).transform((value) => value === '1')

const environment = z.object({
  HELIX_CONTROL_PLANE_URL: z.url().default('http://127.0.0.1:8080'),
  HELIX_RUNNER_TOKEN: z.string().min(32, 'use at least 32 characters'),
  /** Units: days. Older credentials of this host are replaced. */
  HELIX_CREDENTIAL_DAYS: z.coerce.number().positive().max(3650).default(30),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  TEMPORAL_NAMESPACE: z.string().default('default'),
  HELIX_DATA_DIR: z.string().default('.helix'),
  HELIX_HOST_NAME: z.string().max(200).default(hostname()),
  /** Absent: decided by the engine's memory and processors. */
  HELIX_HOST_CAPACITY: z.coerce.number().int().min(0).max(1000).optional(),
  /** The sizes of the sessions here may be this many times the engine's memory in sum: few use all of theirs at once. */
  HELIX_HOST_MEMORY_FACTOR: z.coerce.number().min(0.1).max(20).default(2),
  /** Like `gpu=a100,rack=r1`; projects may ask for them. */
  HELIX_HOST_LABELS: list
    .transform((all, context) => {
      const parsed = hostLabels.safeParse(Object.fromEntries(all.map((one) => one.split('='))))
      if (parsed.success && all.every((one) => one.split('=').length === 2)) return parsed.data
      context.addIssue('use name=value with commas between them, like gpu=a100,rack=r1')
      return z.NEVER
    })
    .default({}),
  /** What is kept free on the engine's disk and of the machine's memory; absent: 10 GB and 2048 MB, at most a tenth of all. 0: nothing. */
  HELIX_DISK_RESERVE_GB: z.coerce.number().min(0).optional(),
  HELIX_MEMORY_RESERVE_MB: z.coerce.number().min(0).optional(),
  /** Images that this host fetched go when no session used them for so long, or when they are more in sum: the longest unused first. */
  HELIX_IMAGE_DAYS: z.coerce.number().positive().max(3650).default(14),
  HELIX_IMAGE_BUDGET_GB: z.coerce.number().positive().default(40),
  /** Machines that wait for sessions, so that these begin at once; 0: none. Each takes about 100 MB while it waits. */
  HELIX_WARM_SESSIONS: z.coerce.number().int().min(0).max(100).default(2),
  /** Where `/readyz` and `/metrics` are answered; 0: nowhere. */
  HELIX_HOST_PORT: port.default(0),
  /** Where browsers connect to see desktops; 0: any port that is free. */
  HELIX_STREAM_PORT: port.default(8090),
  HELIX_STREAM_LISTEN: z.string().default('0.0.0.0'),
  /** What leads browsers to that port, like https://host1.example.com; absent: they come through the control plane. */
  HELIX_PUBLIC_STREAM_URL: z
    .url({ protocol: /^https?$/, error: 'expected http://… or https://…' })
    .max(500)
    .optional(),
  HELIX_SESSION_IMAGE: z.string().default('helix-session:dev'),
  /** The most that one session gets, whatever its project asks for; absent: what the engine has. */
  HELIX_SESSION_MEMORY_MB: positive.min(256).optional(),
  HELIX_SESSION_CPUS: z.coerce.number().positive().max(1024).optional(),
  /** The range that sessions' networks are cut from. */
  HELIX_SESSION_SUBNETS: z.cidrv4().default('10.213.0.0/16'),
  /** `published`: the supervisor's port appears on 127.0.0.1, for engines inside a virtual machine. */
  HELIX_SESSION_REACH: z.enum(['address', 'published']).default(process.platform === 'linux' ? 'address' : 'published'),
  /** Part of volume names, hence its alphabet. */
  HELIX_INSTALLATION: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'use up to 40 of a-z, 0-9 and -')
    .default('default'),
  HELIX_ALLOW_UNSAFE_INNER_DOCKER: flag.default(false),
  /** The strongest rung that is tried; absent: all that the engine offers. */
  HELIX_STRONGEST_RUNG: rung.optional(),
  /** Run sessions where they cannot be kept from networks of this machine: for development. */
  HELIX_ALLOW_UNFILTERED_EGRESS: flag.default(false),
  /** Private networks that sessions may reach, for example of an internal registry. */
  HELIX_EGRESS_OPEN: list.pipe(z.array(z.cidrv4('use networks like 10.20.0.0/16, with commas between them'))).default([]),
  HELIX_SESSION_NAMESERVERS: list.pipe(z.array(z.ipv4())).optional(),
  DOCKER_HOST: z
    .string()
    .regex(/^(unix|tcp|http|npipe):\/\/.+/, 'expected unix://<path> or tcp://<host>:<port>')
    .default('unix:///var/run/docker.sock'),
  NODE_EXTRA_CA_CERTS: z.string().optional(),
  SSL_CERT_FILE: z.string().optional(),
  /** Clones of large repositories that are kept for the next sessions of their projects; 0: none. */
  HELIX_CLONE_BUDGET_GB: z.coerce.number().min(0).max(100_000).default(10),
  /** Docker layers of projects that are kept for their next sessions; 0: none. */
  HELIX_LAYER_BUDGET_GB: z.coerce.number().min(0).max(100_000).default(20),
  /** Recordings of desktops that wait on this host until the control plane has them, the oldest go first; 0: this host records nothing. */
  HELIX_RECORDING_SPOOL_MB: z.coerce.number().int().min(0).max(1_000_000).default(2048),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

export interface Config {
  controlPlaneUrl: string
  runnerToken: string
  /** Units: days. */
  credentialDays: number
  temporal: { address: string; namespace: string }
  /** `$HELIX_DATA_DIR/host`. */
  stateDir: string
  name: string
  capacity: number | undefined
  /** How often the engine's memory is given away. */
  memoryFactor: number
  labels: HostLabels
  /** Units: bytes kept free; undefined: decided by what there is. */
  reserves: { diskBytes: number | undefined; memoryBytes: number | undefined }
  /** Units: milliseconds without use, and bytes in sum. */
  images: { keepMs: number; budgetBytes: number }
  /** Units: bytes in sum. */
  layerBudgetBytes: number
  cloneBudgetBytes: number
  recordingSpoolBytes: number
  /** How many machines wait for sessions. */
  warmSessions: number
  port: number
  stream: { port: number; listen: string; publicUrl: string | null }
  installation: string
  dockerHost: string
  allowUnsafeInnerDocker: boolean
  strongestRung: Rung | undefined
  egress: { allowUnfiltered: boolean; opened: readonly string[]; nameservers: readonly string[] | null }
  session: { image: string; subnets: string; reach: 'address' | 'published' }
  /** Of one session; undefined: what the engine has. */
  most: { memoryBytes: number | undefined; cpus: number | undefined }
  /** Certificate files that this machine trusts beyond the system's own. */
  certificates: { bundle: string | undefined; extra: string | undefined }
  /** What npm needs of the environment: where it lives, how it reaches the network. */
  npmEnvironment: NodeJS.ProcessEnv
  logLevel: string
}

/** Not for npm: secrets of Helix and of inference providers. */
const secretNames = /^(HELIX_|OPENAI_|ANTHROPIC_|DATABASE_URL$)/

/** Throws one error that names every wrong variable. Empty variables count as absent. */
export function parseConfig(env: NodeJS.ProcessEnv): Config {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== '')))
  if (!parsed.success) {
    const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`The configuration is not valid.\n  ${wrong.join('\n  ')}`)
  }
  const values = parsed.data
  return {
    controlPlaneUrl: values.HELIX_CONTROL_PLANE_URL.replace(/\/$/, ''),
    runnerToken: values.HELIX_RUNNER_TOKEN,
    credentialDays: values.HELIX_CREDENTIAL_DAYS,
    temporal: { address: values.TEMPORAL_ADDRESS, namespace: values.TEMPORAL_NAMESPACE },
    stateDir: join(resolve(values.HELIX_DATA_DIR), 'host'),
    name: values.HELIX_HOST_NAME,
    capacity: values.HELIX_HOST_CAPACITY,
    memoryFactor: values.HELIX_HOST_MEMORY_FACTOR,
    labels: values.HELIX_HOST_LABELS,
    reserves: {
      diskBytes: values.HELIX_DISK_RESERVE_GB && values.HELIX_DISK_RESERVE_GB * 1024 ** 3,
      memoryBytes: values.HELIX_MEMORY_RESERVE_MB && values.HELIX_MEMORY_RESERVE_MB * 1024 ** 2,
    },
    images: { keepMs: values.HELIX_IMAGE_DAYS * 86_400_000, budgetBytes: values.HELIX_IMAGE_BUDGET_GB * 1024 ** 3 },
    cloneBudgetBytes: values.HELIX_CLONE_BUDGET_GB * 1024 ** 3,
    recordingSpoolBytes: values.HELIX_RECORDING_SPOOL_MB * 1024 ** 2,
    layerBudgetBytes: values.HELIX_LAYER_BUDGET_GB * 1024 ** 3,
    warmSessions: values.HELIX_WARM_SESSIONS,
    port: values.HELIX_HOST_PORT,
    stream: {
      port: values.HELIX_STREAM_PORT,
      listen: values.HELIX_STREAM_LISTEN,
      publicUrl: values.HELIX_PUBLIC_STREAM_URL?.replace(/\/$/, '') ?? null,
    },
    installation: values.HELIX_INSTALLATION,
    dockerHost: values.DOCKER_HOST,
    allowUnsafeInnerDocker: values.HELIX_ALLOW_UNSAFE_INNER_DOCKER,
    strongestRung: values.HELIX_STRONGEST_RUNG,
    egress: {
      allowUnfiltered: values.HELIX_ALLOW_UNFILTERED_EGRESS,
      opened: values.HELIX_EGRESS_OPEN,
      nameservers: values.HELIX_SESSION_NAMESERVERS ?? null,
    },
    session: {
      image: values.HELIX_SESSION_IMAGE,
      subnets: values.HELIX_SESSION_SUBNETS,
      reach: values.HELIX_SESSION_REACH,
    },
    most: {
      memoryBytes: values.HELIX_SESSION_MEMORY_MB && values.HELIX_SESSION_MEMORY_MB * 1024 ** 2,
      cpus: values.HELIX_SESSION_CPUS,
    },
    certificates: { bundle: values.SSL_CERT_FILE, extra: values.NODE_EXTRA_CA_CERTS },
    npmEnvironment: Object.fromEntries(Object.entries(env).filter(([name]) => !secretNames.test(name))),
    logLevel: values.LOG_LEVEL,
  }
}

export const readConfig = (): Config => parseConfig(process.env)
