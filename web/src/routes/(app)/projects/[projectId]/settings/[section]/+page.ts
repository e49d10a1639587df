import { error } from '@sveltejs/kit'
import { readSection } from '#lib/projects/settings/load.ts'
import { projectSections } from '#lib/projects/settings/sections.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  const { role } = await event.parent()
  const section = projectSections.find(({ key }) => key === event.params.section)?.key
  if (section === undefined) error(404, 'The settings have no such section.', { code: 'not_found' })
  return { section, ...(await readSection(event, event.params.projectId, section, role)) }
}
