import { getHealth } from '@helix/contract/health'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ health: await ask(event, getHealth, {}) })
