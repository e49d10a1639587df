import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TaskId } from '@helix/contract/ids'
import type { TaskAction, TaskStatus } from '@helix/contract/task-status'
import { bundleWorkflowCode, DefaultLogger, NativeConnection, Runtime, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker'
import { sandboxQueue, slotFreedSignal, specTaskWorkflowId, type TaskVerdict } from '../src/messages.ts'
import { FakeControl, type FakeTask } from './fake-control.ts'
import { FakeHost } from './fake-host.ts'
import { startTemporal, type TemporalServer } from './temporal-server.ts'

export const workflowsPath = createRequire(import.meta.url).resolve('@helix/workflows')

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  shutdownSignals: [],
  telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
})

/** A worker that runs until it is stopped. */
interface Running {
  stop(): Promise<void>
}

/** A real Temporal server and real workers over a control plane and a host by hand. */
export class World implements AsyncDisposable {
  readonly control = new FakeControl()
  readonly host: FakeHost
  readonly queue = `control-${randomUUID()}`
  readonly temporal: TemporalServer
  private readonly connection: NativeConnection
  private readonly bundle: WorkflowBundleWithSourceMap
  private readonly workers: Running[] = []
  private controlWorker: Running | null = null

  private constructor(temporal: TemporalServer, connection: NativeConnection, bundle: WorkflowBundleWithSourceMap) {
    this.temporal = temporal
    this.connection = connection
    this.bundle = bundle
    this.host = new FakeHost(this.control, `sandbox-${randomUUID()}`)
    this.control.giveHost = () => this.host.queue
    this.control.slotFreed = (taskId) => temporal.client.workflow.getHandle(specTaskWorkflowId(taskId)).signal(slotFreedSignal)
  }

  static async open(): Promise<World> {
    const [temporal, bundle] = await Promise.all([
      startTemporal(),
      bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') }),
    ])
    const world = new World(temporal, await NativeConnection.connect({ address: temporal.address }), bundle)
    await world.startControlWorker()
    await world.startHost(world.host)
    return world
  }

  async startControlWorker(): Promise<void> {
    this.controlWorker = await this.run(this.queue, this.control, true)
  }

  /** As a crash looks to the server: the next worker has no cache and replays. */
  async stopControlWorker(): Promise<void> {
    await this.controlWorker?.stop()
  }

  /** Polls for the host's own queue, and where it `takesAny` for placements. Answers with the way to end it. */
  async startHost(host: FakeHost, takesAny = true): Promise<() => Promise<void>> {
    const shared = takesAny ? await this.run(sandboxQueue, host, false) : null
    const own = await this.run(host.queue, host, false)
    return async () => {
      await shared?.stop()
      await own.stop()
    }
  }

  private async run(taskQueue: string, port: object, workflows: boolean): Promise<Running> {
    const names = Object.getOwnPropertyNames(Object.getPrototypeOf(port)).filter((name) => name !== 'constructor')
    const methods = port as Record<string, (input: unknown) => Promise<unknown>>
    const worker = await Worker.create({
      connection: this.connection,
      taskQueue,
      activities: Object.fromEntries(names.map((name) => [name, (input: unknown) => methods[name]?.(input)])),
      ...(workflows ? { workflowBundle: this.bundle, stickyQueueScheduleToStartTimeout: '1s' } : {}),
      shutdownForceTime: '3s',
      shutdownGraceTime: '1s',
    })
    const ended = worker.run()
    let running = true
    const handle: Running = {
      async stop() {
        if (!running) return
        running = false
        worker.shutdown()
        await ended
      },
    }
    this.workers.push(handle)
    return handle
  }

  async ask(
    task: FakeTask,
    action: TaskAction,
    set: { commit?: string; note?: string; id?: string; actorId?: string } = {},
  ): Promise<TaskVerdict> {
    const { id = randomUUID(), ...rest } = set
    const handle = this.temporal.client.workflow.getHandle(specTaskWorkflowId(task.taskId))
    const request = { id, action, actorId: 'usr_00000000000000000000000001', ...rest }
    return handle.executeUpdate('request', { args: [request], updateId: id })
  }

  async openTask(taskId: TaskId): Promise<void> {
    await this.temporal.client.workflow.start('specTask', {
      workflowId: specTaskWorkflowId(taskId),
      taskQueue: this.queue,
      args: [{ taskId }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    })
  }

  /** A task whose workflow runs and was asked to start. */
  async startTask(set: Partial<FakeTask> = {}): Promise<FakeTask> {
    const task = this.control.addTask(set)
    await this.openTask(task.taskId)
    await this.ask(task, 'start')
    return task
  }

  async until(task: FakeTask, status: TaskStatus): Promise<void> {
    await this.eventually(
      () => task.status === status,
      () => `${status}; it is ${task.status}: ${task.activity} ${task.failure?.message ?? ''}`,
    )
  }

  async eventually(holds: () => boolean, what: () => string = () => holds.toString()): Promise<void> {
    for (const start = Date.now(); !holds(); await sleep(20))
      if (Date.now() - start > 60_000) throw new Error(`waited a minute for ${what()}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()))
    await this.connection.close()
    await this.temporal[Symbol.asyncDispose]()
  }
}
