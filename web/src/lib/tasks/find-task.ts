import type { ProjectId } from '@helix/contract/ids'
import { listTasks, type TaskCard } from '@helix/contract/tasks'
import { call } from '#lib/api.ts'

/** What a person typed for a task, e.g. `#12`; null when it is no number that a task can have. */
export function taskNumber(typed: string): number | null {
  const digits = typed.trim().replace(/^#/, '')
  return /^[1-9][0-9]{0,7}$/.test(digits) ? Number(digits) : null
}

/** The task of that number, wherever it stands; null when there is none. */
export async function findTask(projectId: ProjectId, number: number): Promise<TaskCard | null> {
  const { items } = await call(listTasks, { params: { projectId }, query: { cursor: String(number + 1), limit: 1 } })
  return items.find((one) => one.number === number) ?? null
}
