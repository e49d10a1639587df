import { getOwnRole } from '@helix/contract/access'
import type { ProjectId } from '@helix/contract/ids'
import { roleGrants } from '@helix/contract/permissions'
import { getProject } from '@helix/contract/projects'
import { ask } from '#lib/load.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async (event) => {
  const input = { params: { projectId: event.params.projectId as ProjectId } }
  const [project, { role }] = await Promise.all([ask(event, getProject, input), ask(event, getOwnRole, input)])
  return { project, role, mayWrite: roleGrants(role, 'task:write') }
}
