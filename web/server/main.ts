import { writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { join } from 'node:path'
import { pino } from 'pino'
import { createApp } from './app.ts'
import { keepCheckpointsFew } from './checkpoints/sweep.ts'
import { readConfig } from './config.ts'
import type { Context } from './context.ts'
import { watchSilence } from './hosts/silence.ts'
import { Metrics } from './http/metrics.ts'
import { IdentityStore } from './identity/store.ts'
import { keepMcpCallsFew } from './mcp/calls/sweep.ts'
import { openContext } from './open-context.ts'
import { Previews } from './previews/proxy.ts'
import { sweepDeletedProjects } from './projects/deletion/sweep.ts'
import { keepRecordingsFew } from './recordings/sweep.ts'
import { routeUpgrades } from './sockets/router.ts'
import { upgradesOf } from './sockets/upgrades.ts'

/** Units: milliseconds. A request under way at SIGTERM has this long. */
const drainMs = 10_000

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => resolve())
  })
}

async function serve(context: Context, metrics: Metrics): Promise<Server[]> {
  const app = await createApp(context, metrics)
  const upgrades = upgradesOf(context)
  const previews = new Previews(context)
  context.gateway.observe = (route, status, seconds) => metrics.observe(route, status, seconds)
  const answer: RequestListener = (request, response) =>
    void (previews.handle(request, response) || context.gateway.handle(request, response) || app(request, response))
  return Promise.all(
    context.config.listen.map(async (address) => {
      // A push of 1 GB over a slow line lasts longer than Node's default of 300 s; balancers keep connections for 60 s.
      const server = createServer({ requestTimeout: 0, keepAliveTimeout: 65_000, headersTimeout: 66_000 }, answer)
      routeUpgrades(server, upgrades, (request) => previews.upgrade(request))
      await listen(server, context.config.PORT, address)
      return server
    }),
  )
}

async function drain(servers: Server[]): Promise<void> {
  const closed = servers.map((server) => new Promise((resolve) => server.close(resolve)))
  for (const server of servers) server.closeIdleConnections()
  // Event streams and links never end by themselves.
  const timer = setTimeout(() => {
    for (const server of servers) server.closeAllConnections()
  }, drainMs)
  // Streams of inference are told why they end.
  const last = setTimeout(() => context.gateway.drain(), drainMs - 1000)
  const soon = setTimeout(() => {
    for (const server of servers) server.closeIdleConnections()
  }, 200)
  await Promise.all(closed)
  clearTimeout(timer)
  clearTimeout(soon)
  clearTimeout(last)
}

const config = readConfig()
const log = pino({ level: config.LOG_LEVEL })
const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
})
process.on('unhandledRejection', (error) => log.error({ err: error }, 'unhandled rejection'))

await using context = await openContext(config, log)
using _sweep = sweepDeletedProjects(context.db, log)
using _few = keepCheckpointsFew(context)
using _recordings = keepRecordingsFew(context)
using _calls = keepMcpCallsFew(context)
await using _silence = watchSilence(context)
const metrics = new Metrics()
const servers = await serve(context, metrics)
const metricsServer = metrics.listen(config.METRICS_PORT, '127.0.0.1')
const identity = new IdentityStore(context.db)
const link = await identity.createLink(await identity.ensureAdministrator())
writeFileSync(join(config.HELIX_DATA_DIR, 'sign-in-link'), `${config.frontendUrl}/sign-in?token=${link}\n`, { mode: 0o600 })
log.info({ port: config.PORT, addresses: config.listen, database: context.dialect, demo: context.providers.demo }, 'listening')
await stopped
log.info('draining')
metricsServer?.close()
context.streams.abort()
await drain(servers)
