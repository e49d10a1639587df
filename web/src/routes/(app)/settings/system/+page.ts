import { listHosts } from '@helix/contract/system'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ hosts: (await ask(event, listHosts, {})).items })
