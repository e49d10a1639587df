import { readFile } from 'node:fs/promises'
import type { HostCheck } from '@helix/contract/link'
import { pino } from 'pino'
import { readConfig } from './config.ts'
import { Context } from './context.ts'
import { HostLog } from './log/host-log.ts'
import { metricsOf } from './metrics.ts'
import { hostQueue, sandboxQueue } from './queues.ts'
import { answerProbes } from './readiness.ts'
import { Rounds } from './rounds.ts'
import { hostActivities, sharedActivities } from './sessions/activities.ts'
import { Pollers } from './work/pollers.ts'

/** Placements at once: each is one question to the control plane. */
const mostPlacements = 4
/** Activities of sessions at once; each session has at most two. */
const mostActivities = 200

const config = readConfig()
const kept = new HostLog()
// The kept lines come after those on standard output: a process that dies has written them.
const streams = [
  { level: 'trace' as const, stream: process.stdout },
  { level: 'trace' as const, stream: kept },
]
const log = pino({ level: config.logLevel, base: { room: 'sandbox' } }, pino.multistream(streams))
process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))
const stopped = new Promise<string>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal))
})

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
const context = await Context.open(config, version, log)
context.hostLog = kept
const { hostId, bootId } = context.identity
const pollers = new Pollers({ ...config.temporal, identity: `${hostId}@${bootId}`, log: context.log, changed: () => context.changed() })
const own = pollers.add(hostQueue(hostId, bootId), hostActivities(context), mostActivities, false)
const shared = pollers.add(sandboxQueue, sharedActivities(context), mostPlacements, false)

let ready = false
context.changed = () => {
  context.tellReport()
  // Not before what went elsewhere is gone; afterwards for good: its activities are of sessions that live here.
  if (context.homecoming.settled) own.want(true)
  // What cannot be started here is not taken from those who can.
  shared.want(context.refusal() === null)
  if (ready || !context.link?.welcomed || !own.polling) return
  ready = true
  context.log.info({ name: config.name, ...context.monitor.condition }, 'ready')
}
await context.record()
context.dial(version)
const rounds = new Rounds(context)
rounds.begin()
/** What is not yet known, or only warns, keeps nobody away. */
const probeOf = ({ state, text }: HostCheck): string => (state === 'failed' ? text : state === 'ok' ? 'ok' : `ok: ${text}`)
const parts = (): Record<string, string> => ({
  ...Object.fromEntries(context.checks.map((check) => [check.name, probeOf(check)])),
  controlPlane: context.link?.welcomed ? 'ok' : 'not linked',
  temporal: own.polling ? 'ok' : 'not polling',
})
const probes = await answerProbes(config.port, { parts, metrics: () => metricsOf(context) })

log.info({ by: await stopped }, 'ending; sessions go on')
context.beginEnd()
await probes?.[Symbol.asyncDispose]()
await pollers[Symbol.asyncDispose]()
await rounds.ended()
await context.close()
// The engine's client may hold a connection whose answer nobody waits for.
process.exit(0)
