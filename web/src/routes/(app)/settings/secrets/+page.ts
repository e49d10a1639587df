import { listSecrets } from '@helix/contract/secrets'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ secrets: (await ask(event, listSecrets, {})).items })
