import type { TaskId } from '@helix/contract/ids'
import { getSpec } from '@helix/contract/reviews'
import type { TaskStatus } from '@helix/contract/task-status'
import { getChanges, getTimeline } from '@helix/contract/task-work'
import { ask } from '#lib/load.ts'
import { type TaskTab, taskTabs } from '#lib/routes.ts'

/** The tab of the URL; without one, the one that matters in this state. */
export function tabOf(asked: string | null, status: TaskStatus): TaskTab {
  const known = taskTabs.find((tab) => tab === asked)
  if (known !== undefined) return known
  if (['implementing', 'implementation_review', 'pull_request', 'merged'].includes(status)) return 'changes'
  return status === 'spec_review' ? 'spec' : 'timeline'
}

/** What one tab shows. */
export async function loadTab(event: Parameters<typeof ask>[0], tab: TaskTab, taskId: TaskId) {
  const params = { taskId }
  if (tab === 'changes') return { tab, changes: await ask(event, getChanges, { params }) } as const
  if (tab === 'spec') return { tab, spec: await ask(event, getSpec, { params }) } as const
  return { tab, timeline: await ask(event, getTimeline, { params }) } as const
}
export type TabData = Awaited<ReturnType<typeof loadTab>>
