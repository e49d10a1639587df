import { getNotifications } from '@helix/contract/notifications'
import { listProjects } from '@helix/contract/projects'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const [notifications, projects] = await Promise.all([
    ask(event, getNotifications, {}),
    ask(event, listProjects, { query: { limit: 200 } }),
  ])
  return { notifications, projects: projects.items }
}
