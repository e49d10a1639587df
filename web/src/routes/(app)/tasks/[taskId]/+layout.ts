import { getOwnRole } from '@helix/contract/access'
import type { TaskId } from '@helix/contract/ids'
import { getProject } from '@helix/contract/projects'
import { getTask } from '@helix/contract/tasks'
import { live } from '#lib/live/live.svelte.ts'
import { ask } from '#lib/load.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async (event) => {
  const since = live.position()
  const task = await ask(event, getTask, { params: { taskId: event.params.taskId as TaskId } })
  const input = { params: { projectId: task.projectId } }
  const [project, { role }] = await Promise.all([ask(event, getProject, input), ask(event, getOwnRole, input)])
  return { since, task, project, role }
}
