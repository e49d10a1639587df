import { listPeople } from '@helix/contract/organisations'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ people: (await ask(event, listPeople, {})).items })
