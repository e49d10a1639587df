import { access, constants, statfs } from 'node:fs/promises'
import type { HealthKey } from '@helix/contract/health'
import type { Host } from '@helix/contract/system'
import { newestMigration } from '@helix/migrations'
import type { Context } from '../context.ts'
import { appliedMigration } from '../db/migrate.ts'
import { eventsChannel } from '../events/store.ts'
import { HostStore } from '../hosts/store.ts'
import type { Finding } from './log.ts'
import { HealthStore, type Line } from './store.ts'

/** Units: parts of the whole; seconds. */
const fullAt = 0.1
const lateAfterS = 60

export type Parts = Pick<Context, 'config' | 'db' | 'dialect' | 'bus' | 'temporal' | 'gitStorage' | 'providers' | 'mail'>

const gigabytes = (bytes: number): string => `${(bytes / 1024 ** 3).toFixed(1)} GB`
const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`
const ageS = (date: Date | null): number => (date === null ? 0 : Math.max(0, (Date.now() - date.getTime()) / 1000))
const minutes = (seconds: number): string => (seconds < 90 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`)

async function database({ db, dialect }: Parts): Promise<Finding> {
  const store = new HealthStore(db)
  const version = await store.databaseVersion()
  const applied = await appliedMigration(db)
  const text = dialect === 'pglite' ? `Embedded PGlite, PostgreSQL ${version}` : `PostgreSQL ${version}`
  if (applied === newestMigration) return { state: 'ok', text }
  const error = `The schema is at ${applied}, this version needs ${newestMigration}.`
  return { state: 'down', text: error, error, fix: 'Start the control plane of one version everywhere; the newest brings the schema up.' }
}

async function temporal({ temporal, config }: Parts): Promise<Finding> {
  const version = await temporal.serverVersion()
  return { state: 'ok', text: `Temporal ${version} at ${config.TEMPORAL_ADDRESS}, namespace ${config.TEMPORAL_NAMESPACE}` }
}

async function workers({ temporal }: Parts): Promise<Finding> {
  const queues = await temporal.queues()
  const text = queues
    .map(({ queue, kind, pollers, backlog }) => `${queue} ${kind}: ${count(pollers, 'poller')}, ${backlog} waiting`)
    .join(' · ')
  const silent = queues.filter(({ pollers }) => pollers === 0)
  if (silent.length === 0) return { state: 'ok', text }
  const error = `Nobody takes ${silent.map(({ queue, kind }) => `${kind} tasks of ${queue}`).join(', ')}.`
  const worker = silent.some(({ queue }) => queue !== 'sandbox')
  return {
    state: worker ? 'down' : 'warn',
    text: `${error} ${text}`,
    error,
    fix: worker
      ? 'Start a worker with HELIX_WORKER_TOKEN, and look at its log.'
      : 'Start a sandbox host; those that are full do not ask either.',
  }
}

/** Hosts that take work and say of themselves that something is not as it should be. */
function doubtful(online: readonly Host[], text: string): Finding {
  for (const { name, checks, credential } of online) {
    const check = checks.find(({ state }) => state === 'warn')
    if (check !== undefined) return { state: 'warn', text, error: `${name}: ${check.text}`, fix: 'It takes work all the same.' }
    if (credential === 'shared')
      return { state: 'warn', text, error: `${name} still uses the runner token of all hosts.`, fix: 'Upgrade it: it enrols by itself.' }
  }
  return { state: 'ok', text }
}

async function hosts({ db }: Parts): Promise<Finding> {
  const all = await new HostStore(db).list()
  const online = all.filter((host) => host.online)
  const fix = 'Start a sandbox host with HELIX_RUNNER_TOKEN on a machine with Docker, and look at its log.'
  if (online.length === 0) {
    const text =
      all.length === 0 ? 'No sandbox host has ever connected: tasks wait.' : `None of ${count(all.length, 'host')} is online: tasks wait.`
    return { state: 'down', text, error: text, fix }
  }
  const used = online.reduce((sum, { sessions }) => sum + sessions, 0)
  const capacity = online.reduce((sum, one) => sum + one.capacity, 0)
  const text = `${online.length} of ${count(all.length, 'host')} online, ${used} of ${count(capacity, 'session')}`
  const ill = online.find(({ problem }) => problem !== null)
  if (ill === undefined) return doubtful(online, text)
  return {
    state: 'warn',
    text,
    error: `${ill.name}: ${ill.problem}`,
    fix: 'The host says itself what it lacks; it takes no work until then.',
  }
}

async function inference({ db, providers }: Parts): Promise<Finding> {
  const { calls, failed, status, provider, errorAt } = await new HealthStore(db).inference()
  if (providers.demo) {
    const text = 'No provider is configured: the demo script answers in place of a model.'
    return {
      state: 'warn',
      text,
      fix: 'Set OPENAI_API_KEY, ANTHROPIC_API_KEY or HELIX_PROVIDERS_FILE and start again, or add providers in Settings.',
    }
  }
  const names = providers
    .list()
    .map(({ name }) => name)
    .join(', ')
  const bad = providers.checks.last()?.find(({ ok }) => !ok)
  const text = `${names} · last hour: ${count(calls, 'call')}, ${failed} failed`
  if (bad !== undefined)
    return {
      state: 'down',
      text: `${bad.problem ?? ''} ${text}`.trim(),
      fix: bad.fix ?? '',
      error: bad.detail ?? bad.problem ?? '',
      errorAt: new Date(bad.checkedAt),
    }
  const error = status === null ? undefined : `${provider} answered ${status} to an agent.`
  return {
    state: calls > 0 && failed * 2 > calls ? 'warn' : 'ok',
    text,
    error,
    errorAt: errorAt ?? undefined,
    ...(failed * 2 > calls ? { fix: 'Test the providers, and look at their status.' } : {}),
  }
}

async function storage({ gitStorage }: Parts): Promise<Finding> {
  await access(gitStorage.root, constants.W_OK)
  const { bavail, blocks, bsize } = await statfs(gitStorage.root)
  const text = `${gigabytes(bavail * bsize)} of ${gigabytes(blocks * bsize)} free for git repositories`
  if (bavail >= blocks * fullAt) return { state: 'ok', text }
  return {
    state: bavail === 0 ? 'down' : 'warn',
    text,
    error: text,
    fix: 'Make room on the disk of HELIX_DATA_DIR: pushes are refused when it is full.',
  }
}

/** What waits for its turn, and why it still does. */
function queued(line: Line, what: string, fix: string): Finding {
  const age = ageS(line.oldest)
  const text =
    line.waiting === 0 ? `Nothing waits for ${what}` : `${count(line.waiting, 'message')} for ${what} wait, the oldest for ${minutes(age)}`
  const error = line.error ?? undefined
  const errorAt = line.errorAt ?? undefined
  if (line.retried === 0 && age < lateAfterS) return { state: 'ok', text, error, errorAt }
  return { state: line.retried > 0 && age > lateAfterS ? 'down' : 'warn', text, error, errorAt, fix }
}

async function outbox({ db }: Parts): Promise<Finding> {
  return queued(await new HealthStore(db).outbox(), 'Temporal', 'They go out by themselves when Temporal answers; nothing is lost.')
}

/** A word to ourselves by way of the database: how long others' changes take to get here. */
async function events({ db, dialect, bus }: Parts): Promise<Finding> {
  if (dialect === 'pglite') return { state: 'ok', text: 'One process writes and reads: nothing is on the way' }
  const topic = `probe-${crypto.randomUUID()}`
  const start = performance.now()
  let done = (): void => undefined
  const heard = new Promise<void>((resolve) => {
    done = bus.subscribe(topic as Parameters<typeof bus.subscribe>[0], () => resolve())
  })
  const late = new Promise<'late'>((resolve) => setTimeout(resolve, 1500, 'late').unref())
  try {
    await new HealthStore(db).notify(eventsChannel, topic)
    if ((await Promise.race([heard, late])) !== 'late')
      return { state: 'ok', text: `A change at one control plane is heard by the others after ${Math.ceil(performance.now() - start)} ms` }
    const error = 'Notifications of the database do not arrive: changes made at another control plane come up to 5 s late.'
    return { state: 'warn', text: error, error, fix: 'Let DATABASE_URL lead to PostgreSQL itself, not to a pooler in transaction mode.' }
  } finally {
    done()
  }
}

async function mail({ db, mail }: Parts): Promise<Finding> {
  if (!mail.sends) return { state: 'off', text: 'SMTP_URL is not set: mail is kept in Settings, Mail' }
  return queued(
    await new HealthStore(db).mail(),
    'the mail server',
    'Look at SMTP_URL and the mail server; mail waits and is sent when it takes it.',
  )
}

async function webhooks({ db }: Parts): Promise<Finding> {
  const line = await new HealthStore(db).deliveries()
  const found = queued(line, 'webhooks and push services', 'Settings, Webhooks shows each delivery and what the receiver answered.')
  // One receiver that is away is its owner's matter.
  const state = found.state === 'down' ? 'warn' : found.state
  return { ...found, state, text: line.failed === 0 ? found.text : `${found.text} · ${line.failed} given up within a day` }
}

export const looks: Record<HealthKey, (parts: Parts) => Promise<Finding>> = {
  database,
  temporal,
  workers,
  hosts,
  inference,
  storage,
  outbox,
  events,
  mail,
  webhooks,
}

/** What to do about a part that cannot even be asked. */
export const outages: Record<HealthKey, string> = {
  database: 'Look at the database of DATABASE_URL and its log.',
  temporal: 'Start Temporal at TEMPORAL_ADDRESS. Reading works meanwhile; what people start waits, and nothing is lost.',
  workers: 'It is asked of Temporal: see there.',
  hosts: 'It is asked of the database: see there.',
  inference: 'It is asked of the database: see there.',
  storage: 'Look at the disk of HELIX_DATA_DIR and the rights on it.',
  outbox: 'It is asked of the database: see there.',
  events: 'It is asked of the database: see there.',
  mail: 'It is asked of the database: see there.',
  webhooks: 'It is asked of the database: see there.',
}
