import { randomBytes } from 'node:crypto'
import { setBudget } from '@helix/contract/budgets'
import { say } from '../setup/progress.mjs'
import { type ControlPlane, openControlPlane } from '../stack/control-plane.ts'
import { openPostgres } from '../stack/postgres.ts'
import type { Figures } from './figures.ts'
import { flow } from './gateway/flows.ts'
import { startPeers } from './gateway/peers.ts'
import { Generator, startProvider } from './gateway/processes.ts'
import { type Ask, added, measure, middle, type Target } from './gateway/rounds.ts'

const wholes = (atOnce: number, promptBytes: number, seconds: number): Ask => ({
  kind: 'whole',
  atOnce,
  seconds,
  promptBytes,
  chunks: 10,
  paceMs: 20,
})

function sideOf({ url, key }: ControlPlane, name: string): Target {
  return { name, origin: url.replace('localhost', '127.0.0.1'), path: '/v1/chat/completions', headers: { authorization: `Bearer ${key}` } }
}

/** Of each leg: the whole lasts minutes. */
const legSeconds = 1.5

/** Throughput and what a call waits longer, beside no gateway and beside the others. */
async function calls(generator: Generator, direct: Target, helix: Target, peers: readonly Target[]): Promise<Figures> {
  const many = await measure(generator, [direct, helix, ...peers], wholes(16, 1000, legSeconds))
  const alone = await measure(generator, [direct, helix], wholes(1, 1000, legSeconds))
  const large = await measure(generator, [direct, helix], wholes(1, 200 * 1024, legSeconds))
  const rate = (name: string): number => middle(many.get(name)?.legs ?? [], 'perSecond')
  const figures: Figures = {
    requests: { value: rate('helix'), unit: '/s', bar: 2500, atLeast: true },
    share_of_direct: { value: (100 * rate('helix')) / rate('direct'), unit: '%', bar: 20, atLeast: true },
    added_p50_c1: { value: added(alone, 'helix', 'p50'), unit: 'ms', bar: 1 },
    added_p99_c1: { value: added(alone, 'helix', 'p99'), unit: 'ms', bar: 3 },
    p99_c16: { value: middle(many.get('helix')?.legs ?? [], 'p99'), unit: 'ms', bar: 8 },
    added_p50_200kb: { value: added(large, 'helix', 'p50'), unit: 'ms', bar: 3 },
    failed: { value: [many, alone, large].reduce((sum, one) => sum + (one.get('helix')?.failed ?? 0), 0), unit: '', bar: 0 },
    direct_requests: { value: rate('direct'), unit: '/s', bar: null },
  }
  const bars: Record<string, number> = { portkey: 4, litellm: 10 }
  for (const { name } of peers)
    figures[`times_${name}`] = { value: rate('helix') / rate(name), unit: 'x', bar: bars[name] ?? null, atLeast: true }
  return figures
}

/** A thousand streams: below what the machine can carry for delays, and at the full pace for order and cost. */
async function flows(generator: Generator, direct: Target, helix: Target, pid: number): Promise<Figures> {
  const [calm, plain] = [await flow(generator, helix, pid, 100, 60), await flow(generator, direct, null, 100, 60)]
  const full = await flow(generator, helix, pid, 20, 500)
  await flow(generator, direct, null, 20, 500)
  return {
    stream_added_p99: { value: calm.p99 - plain.p99, unit: 'ms', bar: 20 },
    stream_lost: { value: calm.lost + full.lost + calm.failed + full.failed, unit: 'chunks', bar: 0 },
    stream_cpu: { value: Math.max(calm.cpuUs, full.cpuUs), unit: 'us/chunk', bar: 80 },
    stream_full_p99: { value: full.p99, unit: 'ms', bar: null },
    stream_rss: { value: Math.max(calm.peakMb, full.peakMb), unit: 'MB', bar: null },
  }
}

/** Budgets that nobody reaches, but every call is held against. */
async function withBudgets(env: NodeJS.ProcessEnv): Promise<ControlPlane> {
  const plane = await openControlPlane(env)
  for (const unit of ['tokens', 'money'] as const) await plane.call(setBudget, { body: { period: 'month', unit, limit: 1e14 } })
  return plane
}

const renamed = (figures: Figures, suffix: string): Figures =>
  Object.fromEntries(Object.entries(figures).map(([name, figure]) => [`${name}_${suffix}`, figure]))

/** Our gateway as it is used, a control plane that knows callers, meters and holds budgets, beside none and beside others, in the same run. */
export async function bench(): Promise<Figures> {
  await using provider = await startProvider()
  await using generator = new Generator()
  const direct: Target = { name: 'direct', origin: provider.url, path: '/v1/chat/completions', headers: { authorization: 'Bearer bench' } }
  const env = { OPENAI_BASE_URL: `${provider.url}/v1`, OPENAI_API_KEY: 'bench', HELIX_MODEL: 'bench' }
  await using postgres = await openPostgres()
  let onPostgres: Figures
  {
    const database = { DATABASE_URL: postgres.url, HELIX_ENCRYPTION_KEY: randomBytes(32).toString('hex') }
    await using plane = await withBudgets({ ...env, ...database })
    await using stack = new AsyncDisposableStack()
    const peers = await startPeers(provider.url)
    for (const peer of peers) stack.use(peer)
    onPostgres = await calls(generator, direct, sideOf(plane, 'helix'), peers)
    await stack.disposeAsync()
    Object.assign(onPostgres, await flows(generator, direct, sideOf(plane, 'helix'), plane.pid))
    onPostgres.stream_rss = { value: onPostgres.stream_rss?.value ?? 0, unit: 'MB', bar: 250 }
    say('PostgreSQL measured')
  }
  await using plane = await withBudgets(env)
  const embedded = await calls(generator, direct, sideOf(plane, 'helix'), [])
  Object.assign(embedded, await flows(generator, direct, sideOf(plane, 'helix'), plane.pid))
  return { ...onPostgres, ...renamed(embedded, 'pglite') }
}
