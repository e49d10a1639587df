import type { ProjectId } from '@helix/contract/ids'
import { taskStatus } from '@helix/contract/task-status'
import { listTasks } from '@helix/contract/tasks'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const status = taskStatus.safeParse(event.url.searchParams.get('status')).data
  const params = { projectId: event.params.projectId as ProjectId }
  return { status, tasks: await ask(event, listTasks, { params, query: { status, limit: 50 } }) }
}
