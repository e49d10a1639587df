import { listDeletedProjects } from '@helix/contract/projects'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ projects: (await ask(event, listDeletedProjects, {})).items })
