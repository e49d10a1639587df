import { getSecurity } from '@helix/contract/sign-in'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ security: await ask(event, getSecurity, {}) })
