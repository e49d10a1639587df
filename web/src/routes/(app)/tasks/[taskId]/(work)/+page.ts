import { loadTab, tabOf } from '#lib/tasks/load-tab.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const { task, project } = await event.parent()
  event.depends('helix:tab')
  const asked = event.url.searchParams.get('tab')
  return { narrow: asked === null || asked === 'conversation', shown: await loadTab(event, tabOf(asked, task.status), { task, project }) }
}
