import { listOwnProviders } from '@helix/contract/providers'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ask(event, listOwnProviders, {})
