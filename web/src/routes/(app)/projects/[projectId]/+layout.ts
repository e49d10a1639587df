import type { ProjectId } from '@helix/contract/ids'
import { getProject } from '@helix/contract/projects'
import { ask } from '#lib/load.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async (event) => ({
  project: await ask(event, getProject, { params: { projectId: event.params.projectId as ProjectId } }),
})
