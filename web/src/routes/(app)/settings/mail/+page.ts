import { listMail } from '@helix/contract/mail'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => ({ mail: await ask(event, listMail, {}) })
