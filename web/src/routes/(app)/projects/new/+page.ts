import { listRepositories } from '@helix/contract/repositories'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ repositories: (await ask(event, listRepositories, { query: { limit: 200 } })).items })
