import { listTaskBudgets } from '@helix/contract/budgets'
import type { Project } from '@helix/contract/projects'
import { getSpec } from '@helix/contract/reviews'
import type { TaskStatus } from '@helix/contract/task-status'
import { getChanges, getTimeline } from '@helix/contract/task-work'
import type { Task } from '@helix/contract/tasks'
import { listTaskCalls } from '@helix/contract/usage'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import { loadBranches, loadFiles } from '#lib/repositories/load.ts'
import { type TaskTab, taskTabs } from '#lib/routes.ts'

/** The tab of the URL; without one, the one that matters in this state. */
export function tabOf(asked: string | null, status: TaskStatus): TaskTab {
  const known = taskTabs.find((tab) => tab === asked)
  if (known !== undefined) return known
  if (['implementing', 'implementation_review', 'pull_request', 'merged'].includes(status)) return 'changes'
  return status === 'spec_review' ? 'spec' : 'timeline'
}

type Event = Parameters<typeof ask>[0]

/** Files of the working branch; of the branch it will leave where nothing was pushed yet, or it is gone. */
async function loadTaskFiles(event: Event, task: Task, project: Project) {
  const { searchParams } = event.url
  const repository = project.repositories.find(({ id }) => id === searchParams.get('repository')) ?? project.repositories[0]
  if (repository === undefined) return null
  const branches = new Set((await loadBranches(event, repository.id)).map(({ name }) => name))
  const pushed = branches.has(task.branch)
  const base = repository === project.repositories[0] && branches.has(task.baseBranch) ? task.baseBranch : repository.defaultBranch
  const path = searchParams.get('path') ?? ''
  const ref = pushed ? task.branch : base
  return { repository, pushed, ref, path, ...(await loadFiles(event, repository.id, branches.size === 0 ? {} : { ref }, path)) }
}

/** What one tab shows. */
export async function loadTab(event: Event, tab: TaskTab, { task, project }: { task: Task; project: Project }) {
  const params = { taskId: task.id }
  if (tab === 'budget') return { tab, since: live.position(), budgets: await ask(event, listTaskBudgets, { params }) } as const
  if (tab === 'files') return { tab, files: await loadTaskFiles(event, task, project) } as const
  if (tab === 'calls') return { tab, calls: await ask(event, listTaskCalls, { params, query: {} }) } as const
  if (tab === 'changes') return { tab, changes: await ask(event, getChanges, { params }) } as const
  // What the machine has is asked for by the page, once it is there.
  if (tab === 'desktop' || tab === 'recording' || tab === 'terminal' || tab === 'workspace') return { tab } as const
  if (tab === 'spec') return { tab, spec: await ask(event, getSpec, { params }) } as const
  return { tab, timeline: await ask(event, getTimeline, { params }) } as const
}
export type TabData = Awaited<ReturnType<typeof loadTab>>
