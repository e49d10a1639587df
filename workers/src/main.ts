import { existsSync } from 'node:fs'
import { controlQueue } from '@helix/workflows/messages'
import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { pino } from 'pino'
import { workflowsPath } from './bundle.ts'
import { type Config, readConfig } from './config.ts'
import { createControlActivities } from './control/activities.ts'

const config = readConfig()
const log = pino({ level: config.LOG_LEVEL })
Runtime.install({ shutdownSignals: [], telemetryOptions: { logging: { forward: {}, filter: { core: 'WARN', other: 'WARN' } } } })

let stopping = false
const stopped = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
})
stopped.then(() => {
  stopping = true
})

/** Temporal may start after us, or be away for minutes. */
async function connect(): Promise<NativeConnection> {
  for (let attempt = 0; !stopping; attempt++) {
    try {
      return await NativeConnection.connect({ address: config.TEMPORAL_ADDRESS })
    } catch (error) {
      if (attempt % 20 === 0) log.warn({ err: error, address: config.TEMPORAL_ADDRESS }, 'waiting for Temporal')
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
  return process.exit(0)
}

function createWorker(connection: NativeConnection, { HELIX_WORKFLOW_BUNDLE: bundle, ...rest }: Config): Promise<Worker> {
  const code = bundle !== undefined && existsSync(bundle) ? { workflowBundle: { codePath: bundle } } : { workflowsPath }
  return Worker.create({
    ...code,
    connection,
    namespace: rest.TEMPORAL_NAMESPACE,
    taskQueue: controlQueue,
    activities: { ...createControlActivities(rest.HELIX_CONTROL_PLANE_URL, rest.HELIX_WORKER_TOKEN) },
    shutdownGraceTime: '20s',
    shutdownForceTime: '30s',
    maxCachedWorkflows: 100,
    workflowThreadPoolSize: 1,
    stickyQueueScheduleToStartTimeout: '5s',
  })
}

/** Polls until it is told to stop. A worker that fails is replaced by a new one. */
async function poll(): Promise<void> {
  const connection = await connect()
  try {
    const worker = await createWorker(connection, config)
    const shutDown = (): void => {
      if (worker.getState() === 'RUNNING') worker.shutdown()
    }
    void stopped.then(shutDown)
    log.info({ queue: controlQueue }, 'polling')
    await worker.run()
  } finally {
    await connection.close()
  }
}

while (!stopping) {
  try {
    await poll()
  } catch (error) {
    log.error({ err: error }, 'the worker failed; starting another')
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
}
process.exit(0)
