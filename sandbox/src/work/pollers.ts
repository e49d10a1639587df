import { NativeConnection, Runtime, Worker } from '@temporalio/worker'
import type { Logger } from 'pino'
import { Backoff } from '../link/backoff.ts'
import { pause } from '../pause.ts'
import { reasonOf } from '../reason.ts'
import { temporalLogger } from './temporal-logger.ts'

export interface PollerOptions {
  address: string
  namespace: string
  identity: string
  log: Logger
  /** A queue began or ceased to be polled. */
  changed(): void
}

/** One queue that is polled while it is wanted. */
interface Poller {
  queue: string
  activities: object
  /** Activities at once. */
  most: number
  wanted: boolean
  worker: Worker | null
}

/** The Temporal workers of this process: activities only, on one connection that is made again for as long as it takes. */
export class Pollers implements AsyncDisposable {
  private readonly options: PollerOptions
  private readonly pollers: Poller[] = []
  private readonly loops: Promise<void>[] = []
  private readonly ending = new AbortController()
  private connection: Promise<NativeConnection> | null = null
  private wake = Promise.withResolvers<void>()

  constructor(options: PollerOptions) {
    this.options = options
    Runtime.install({
      logger: temporalLogger(options.log),
      // The process decides itself how it ends.
      shutdownSignals: [],
      workerHeartbeatInterval: 0,
      telemetryOptions: { logging: { filter: 'WARN', forward: {} } },
    })
  }

  /** Polls the queue from the time it is wanted on. */
  add(queue: string, activities: object, most: number, wanted: boolean): { want(wanted: boolean): void; readonly polling: boolean } {
    const poller: Poller = { queue, activities, most, wanted, worker: null }
    this.pollers.push(poller)
    this.loops.push(this.keepPolling(poller))
    return {
      want: (now) => this.want(poller, now),
      get polling() {
        return poller.worker?.getState() === 'RUNNING'
      },
    }
  }

  /** Takes no new work, gives activities that run their grace, and ends. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.ending.abort()
    this.wake.resolve()
    for (const poller of this.pollers) this.shutDown(poller)
    await Promise.all(this.loops)
    const connection = await this.connection?.catch(() => null)
    await connection?.close()
    await Runtime.instance().shutdown()
  }

  private want(poller: Poller, wanted: boolean): void {
    if (poller.wanted === wanted) return
    poller.wanted = wanted
    if (!wanted) this.shutDown(poller)
    this.wake.resolve()
    this.wake = Promise.withResolvers()
  }

  private shutDown({ worker }: Poller): void {
    if (worker?.getState() === 'RUNNING') worker.shutdown()
  }

  private async keepPolling(poller: Poller): Promise<void> {
    const { log } = this.options
    const backoff = new Backoff(250, 5000)
    let lastReason = ''
    while (!this.ending.signal.aborted) {
      if (!poller.wanted) {
        await this.wake.promise
        continue
      }
      try {
        await this.poll(poller, () => backoff.reset())
        lastReason = ''
      } catch (error) {
        const reason = reasonOf(error)
        if (reason !== lastReason) log.warn({ queue: poller.queue, reason }, 'Temporal cannot be polled; trying on')
        lastReason = reason
        await pause(backoff.next(), this.ending.signal)
      }
    }
  }

  private async poll(poller: Poller, running: () => void): Promise<void> {
    const { namespace, identity, log } = this.options
    const connection = await this.connect()
    const worker = await Worker.create({
      connection,
      namespace,
      identity,
      taskQueue: poller.queue,
      activities: poller.activities,
      maxConcurrentActivityTaskExecutions: poller.most,
      maxConcurrentActivityTaskPolls: 2,
      // A cancellation reaches an activity with a heartbeat.
      maxHeartbeatThrottleInterval: '2s',
      defaultHeartbeatThrottleInterval: '2s',
      shutdownGraceTime: '5s',
      shutdownForceTime: '12s',
    })
    const run = worker.run()
    poller.worker = worker
    // What changed while the worker was made was told to none.
    if (!poller.wanted || this.ending.signal.aborted) this.shutDown(poller)
    log.info({ queue: poller.queue }, 'polling')
    running()
    this.options.changed()
    try {
      await run
      log.info({ queue: poller.queue }, 'not polling')
    } finally {
      poller.worker = null
      this.options.changed()
    }
  }

  private connect(): Promise<NativeConnection> {
    if (this.connection === null) {
      const connecting = NativeConnection.connect({ address: this.options.address })
      this.connection = connecting
      connecting.catch(() => {
        this.connection = null
      })
    }
    return this.connection
  }
}
