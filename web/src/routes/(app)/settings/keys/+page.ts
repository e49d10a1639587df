import { listApiKeys } from '@helix/contract/identity'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ keys: (await ask(event, listApiKeys, {})).items })
