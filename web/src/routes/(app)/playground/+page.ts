import { listModels } from '@helix/contract/models'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ask(event, listModels, {})
