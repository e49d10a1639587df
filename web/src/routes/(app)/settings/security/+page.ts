import { getSecurity } from '@helix/contract/account'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ security: await ask(event, getSecurity, {}) })
