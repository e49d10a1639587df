import { HelixError } from '@helix/contract/errors'
import type { SessionId, TaskId } from '@helix/contract/ids'
import {
  type AgentSessionInput,
  agentSessionWorkflowId,
  controlQueue,
  requestUpdate,
  type SpecTaskInput,
  specTaskWorkflowId,
  type TaskRequest,
  type TaskVerdict,
} from '@helix/workflows/messages'
import {
  Client,
  Connection,
  isGrpcServiceError,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client'
import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common'
import type { Knex } from 'knex'
import type { Config } from './config.ts'
import { TaskStore } from './tasks/store.ts'
import { type QueueFacts, queueFacts, type Retries, retryingWork } from './temporal-health.ts'

/** What the control plane asks of Temporal. Unreachable: `temporal_unavailable`; nobody takes it in time: `worker_unavailable`. */
export interface TemporalPort extends AsyncDisposable {
  /** Starts the task's workflow; one that runs already is left alone. */
  startTask(taskId: TaskId): Promise<void>
  /** Sends a request and waits for the verdict; starts the workflow first when it has ended. */
  requestTask(taskId: TaskId, request: TaskRequest, deadlineMs: number): Promise<TaskVerdict>
  /** A workflow that has ended needs no signals: not an error. */
  signalTask(taskId: TaskId, signal: string, payload: unknown): Promise<void>
  signalSession(sessionId: SessionId, signal: string, payload: unknown): Promise<void>
  /** As `signalSession`; the workflow is started where it does not run. */
  tellSession(sessionId: SessionId, taskId: TaskId | null, signal: string, payload: unknown): Promise<void>
  /** Rejects when the server does not answer. */
  check(): Promise<void>
  serverVersion(): Promise<string>
  /** Of the queues that work cannot do without. */
  queues(): Promise<QueueFacts[]>
  /** Running work that is being tried again. Bounded in how much it looks at and in time. */
  retries(): Promise<Retries>
}

const workflowType = 'specTask'
const attribute = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD)
const keys = {
  org: attribute('HelixOrg'),
  project: attribute('HelixProject'),
  task: attribute('HelixTask'),
  status: attribute('HelixStatus'),
}

/** The one place that makes a Temporal client. It connects when first used and again after a failure. */
export class TemporalClient implements TemporalPort {
  private readonly config: Config
  private readonly tasks: TaskStore
  private connection: Promise<Connection> | null = null

  constructor(config: Config, db: Knex) {
    this.config = config
    this.tasks = new TaskStore(db)
  }

  private async client(): Promise<Client> {
    this.connection ??= Connection.connect({ address: this.config.TEMPORAL_ADDRESS, connectTimeout: '5s' })
    try {
      return new Client({ connection: await this.connection, namespace: this.config.TEMPORAL_NAMESPACE })
    } catch (error) {
      this.connection = null
      throw new HelixError(
        'temporal_unavailable',
        `Temporal at ${this.config.TEMPORAL_ADDRESS} does not answer: ${String(error).slice(0, 200)}`,
      )
    }
  }

  /** Runs one call with a deadline; what the server or the network could not do becomes a code of the catalogue. */
  private async call<T>(
    deadlineMs: number,
    late: 'temporal_unavailable' | 'worker_unavailable',
    work: (client: Client) => Promise<T>,
  ): Promise<T> {
    const client = await this.client()
    try {
      return await client.connection.withDeadline(Date.now() + deadlineMs, () => work(client))
    } catch (error) {
      if (error instanceof HelixError) throw error
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
      if (isGrpcServiceError(cause) || isGrpcServiceError(error) || String(error).includes('DEADLINE')) {
        const timedOut = /DEADLINE|CANCELLED/i.test(String(cause)) || /DEADLINE|CANCELLED/i.test(String(error))
        throw new HelixError(timedOut ? late : 'temporal_unavailable')
      }
      throw error
    }
  }

  private async startOptions(taskId: TaskId) {
    const row = await this.tasks.searchKeys(taskId)
    if (row === null) throw new HelixError('not_found')
    const input: SpecTaskInput = { taskId }
    return {
      workflowId: specTaskWorkflowId(taskId),
      taskQueue: controlQueue,
      args: [input] as [SpecTaskInput],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
      workflowIdConflictPolicy: 'USE_EXISTING' as const,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: keys.org, value: row.org_id },
        { key: keys.project, value: row.project_id },
        { key: keys.task, value: taskId },
        { key: keys.status, value: row.status },
      ]),
    }
  }

  async startTask(taskId: TaskId): Promise<void> {
    const options = await this.startOptions(taskId)
    await this.call(10_000, 'temporal_unavailable', async (client) => {
      try {
        await client.workflow.start(workflowType, options)
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error
      }
    })
  }

  async requestTask(taskId: TaskId, request: TaskRequest, deadlineMs: number): Promise<TaskVerdict> {
    const options = await this.startOptions(taskId)
    return this.call(deadlineMs, 'worker_unavailable', (client) => {
      const startWorkflowOperation = new WithStartWorkflowOperation(workflowType, options)
      return client.workflow.executeUpdateWithStart(requestUpdate, { startWorkflowOperation, args: [request], updateId: request.id })
    })
  }

  async signalTask(taskId: TaskId, signal: string, payload: unknown): Promise<void> {
    await this.signal(specTaskWorkflowId(taskId), signal, payload)
  }

  async signalSession(sessionId: SessionId, signal: string, payload: unknown): Promise<void> {
    await this.signal(agentSessionWorkflowId(sessionId), signal, payload)
  }

  async tellSession(sessionId: SessionId, taskId: TaskId | null, signal: string, payload: unknown): Promise<void> {
    const input: AgentSessionInput = { sessionId, ownerWorkflowId: taskId === null ? null : specTaskWorkflowId(taskId) }
    await this.call(10_000, 'temporal_unavailable', (client) =>
      client.workflow.signalWithStart('agentSession', {
        workflowId: agentSessionWorkflowId(sessionId),
        taskQueue: controlQueue,
        args: [input] as [AgentSessionInput],
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        signal,
        signalArgs: [payload],
      }),
    )
  }

  private async signal(workflowId: string, signal: string, payload: unknown): Promise<void> {
    await this.call(10_000, 'temporal_unavailable', async (client) => {
      try {
        await client.workflow.getHandle(workflowId).signal(signal, payload)
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error
      }
    })
  }

  async check(): Promise<void> {
    await this.serverVersion()
  }

  async serverVersion(): Promise<string> {
    const info = await this.call(3000, 'temporal_unavailable', (client) => client.connection.workflowService.getSystemInfo({}))
    return info.serverVersion ?? 'unknown'
  }

  queues(): Promise<QueueFacts[]> {
    return this.call(3000, 'temporal_unavailable', (client) => queueFacts(client, this.config.TEMPORAL_NAMESPACE))
  }

  retries(): Promise<Retries> {
    const { TEMPORAL_NAMESPACE, TEMPORAL_UI_URL } = this.config
    return this.call(8000, 'temporal_unavailable', (client) => retryingWork(client, TEMPORAL_NAMESPACE, TEMPORAL_UI_URL ?? null))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const connection = this.connection
    this.connection = null
    await (await connection?.catch(() => null))?.close()
  }
}
