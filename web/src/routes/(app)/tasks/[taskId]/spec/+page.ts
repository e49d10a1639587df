import { getSpec, specDocuments } from '@helix/contract/reviews'
import { ask } from '#lib/load.ts'
import type { PageLoad } from './$types'

export const load: PageLoad = async (event) => {
  event.depends('helix:spec')
  const asked = event.url.searchParams.get('revision')
  const { task } = await event.parent()
  const spec = await ask(event, getSpec, { params: { taskId: task.id }, query: asked === null ? {} : { revision: Number(asked) } })
  return { spec, documents: specDocuments }
}
