import { getJournal } from '@helix/contract/sessions'
import { ask } from '#lib/load.ts'
import type { LayoutLoad } from './$types'

export const load: LayoutLoad = async (event) => {
  const { task } = await event.parent()
  if (task.sessionId === null) return { journal: null }
  return { journal: await ask(event, getJournal, { params: { sessionId: task.sessionId }, query: { limit: 500 } }) }
}
