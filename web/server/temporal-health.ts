import type { RetryingWork } from '@helix/contract/health'
import { controlQueue, sandboxQueue } from '@helix/workflows/messages'
import type { Client } from '@temporalio/client'

/** How many take work from a queue, and how much waits there. */
export interface QueueFacts {
  queue: string
  kind: 'workflow' | 'activity'
  pollers: number
  backlog: number
}

export interface Retries {
  items: RetryingWork[]
  looked: number
  more: boolean
}

/** The newest so many running workflows are looked at. */
const lookedAt = 200
const shown = 50
const atOnce = 10

const asked = [
  [controlQueue, 'workflow', 1],
  [controlQueue, 'activity', 2],
  [sandboxQueue, 'activity', 2],
] as const

export function queueFacts(client: Client, namespace: string): Promise<QueueFacts[]> {
  return Promise.all(
    asked.map(async ([name, kind, taskQueueType]) => {
      const answer = await client.workflowService.describeTaskQueue({ namespace, taskQueue: { name }, taskQueueType, reportStats: true })
      return { queue: name, kind, pollers: answer.pollers?.length ?? 0, backlog: Number(answer.stats?.approximateBacklogCount ?? 0) }
    }),
  )
}

type Stamp = { seconds?: unknown } | null | undefined

const timeOf = (stamp: Stamp): string | null => {
  const seconds = Number(stamp?.seconds ?? 0)
  return seconds > 0 ? new Date(seconds * 1000).toISOString() : null
}

interface Execution {
  workflowId: string
  runId: string
}

async function retriesOf(client: Client, { workflowId, runId }: Execution, url: string | null): Promise<RetryingWork[]> {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe()
  const found = (raw.pendingActivities ?? [])
    .filter(({ attempt }) => (attempt ?? 1) > 1)
    .map((one) => ({
      workflowId,
      url,
      activity: one.activityType?.name ?? 'activity',
      attempt: one.attempt ?? 1,
      lastFailure: one.lastFailure?.cause?.message ?? one.lastFailure?.message ?? null,
      lastFailedAt: timeOf(one.lastAttemptCompleteTime),
      nextTryAt: timeOf(one.nextAttemptScheduleTime),
    }))
  const task = raw.pendingWorkflowTask
  if ((task?.attempt ?? 1) <= 1) return found
  const lastFailure = 'The workflow’s own code fails: its history says where.'
  return [
    ...found,
    { workflowId, url, activity: 'workflow task', attempt: task?.attempt ?? 1, lastFailure, lastFailedAt: null, nextTryAt: null },
  ]
}

/** `uiUrl`: Temporal's UI; null where there is none. A workflow that ends meanwhile is left out. */
export async function retryingWork(client: Client, namespace: string, uiUrl: string | null): Promise<Retries> {
  const executions: Execution[] = []
  let more = false
  for await (const { workflowId, runId } of client.workflow.list({ query: "ExecutionStatus = 'Running'", pageSize: lookedAt })) {
    more = executions.length === lookedAt
    if (more) break
    executions.push({ workflowId, runId })
  }
  const urlOf = ({ workflowId, runId }: Execution): string | null =>
    uiUrl === null
      ? null
      : `${uiUrl.replace(/\/$/, '')}/namespaces/${namespace}/workflows/${encodeURIComponent(workflowId)}/${runId}/history`
  const items: RetryingWork[] = []
  for (let from = 0; from < executions.length; from += atOnce) {
    const some = executions.slice(from, from + atOnce)
    const found = await Promise.all(some.map((one) => retriesOf(client, one, urlOf(one)).catch(ignoreEnded)))
    items.push(...found.flat())
  }
  items.sort((a, b) => b.attempt - a.attempt)
  return { items: items.slice(0, shown), looked: executions.length, more: more || items.length > shown }
}

function ignoreEnded(error: unknown): RetryingWork[] {
  if (error instanceof Error && error.name === 'WorkflowNotFoundError') return []
  throw error
}
