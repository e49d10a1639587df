import type { TaskId } from '@helix/contract/ids'
import { getProject } from '@helix/contract/projects'
import { getTask } from '@helix/contract/tasks'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async (event) => {
  const since = live.position()
  const task = await ask(event, getTask, { params: { taskId: event.params.taskId as TaskId } })
  return { since, task, project: await ask(event, getProject, { params: { projectId: task.projectId } }) }
}
