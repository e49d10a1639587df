import type { ProjectId } from '@helix/contract/ids'
import { getBoard } from '@helix/contract/tasks'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({
  board: await ask(event, getBoard, { params: { projectId: event.params.projectId as ProjectId } }),
})
