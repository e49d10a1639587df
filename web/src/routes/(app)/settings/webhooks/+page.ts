import { listWebhooks } from '@helix/contract/webhooks'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ webhooks: (await ask(event, listWebhooks, {})).items })
